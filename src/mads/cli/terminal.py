"""What a person sees: values and tables on standard output, one line that changes on standard error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import click
import msgspec

from mads.wire import codec
from mads.wire.call import Progress

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

VISIBLE = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}") | {ord("\t"): "\t"}
"""What is shown for characters that would steer a terminal: what a tool returns may come from anywhere."""


def json_option(verb: F) -> F:
    """Give a verb the option that every verb has."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document, an error too.")(verb)


def show(value: Any, *, as_json: bool = False) -> None:
    """Print a value of JSON types: `as_json` exactly, on one line; else a text as it is, anything else indented."""
    if as_json:
        click.echo(msgspec.json.encode(value))
    else:
        for line in lines(value):
            click.echo(line.translate(VISIBLE))


def lines(value: Any) -> Iterator[str]:
    """Iterate over the lines in which a person reads `value`; a field without a value is left out."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if inner not in (None, ""):
                yield from _under(f"{key}:", inner)
    elif isinstance(value, list):
        for item in cast("Sequence[Any]", value):
            yield from _under("-", item)
    elif isinstance(value, str):
        yield from value.splitlines() or [""]
    elif value is not None:
        yield msgspec.json.encode(value).decode()


def listed(
    head: Sequence[str], found: Sequence[T], row: Callable[[T], Sequence[Any]], *, what: str, as_json: bool
) -> None:
    """Print each of `found` as a `row` under `head`, or all `as_json`; that there is no `what` is told beside it."""
    if as_json:
        show(codec.plain(found), as_json=True)
    else:
        table(head, [row(it) for it in found])
    if not found:
        click.echo(f"No {what} is there that fits.", err=True)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print `rows` in columns under `head`; numbers stand to the right."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [bool(rows) and isinstance(cell, int | float) for cell in (rows[0] if rows else head)]
    for line in cells:
        click.echo("  ".join(map(_padded, line, widths, right)).rstrip().translate(VISIBLE))


class Ticker:
    """The last line of a terminal, written over and over; where standard error is none, nothing is seen of it."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self._shown = False

    def tell(self, text: str) -> None:
        """Show `text` in the place of what was shown before."""
        if self.live:
            self._shown = True
            self._write(text[: shutil.get_terminal_size().columns - 1].translate(VISIBLE))

    def clear(self) -> None:
        """Leave the line empty."""
        if self._shown:
            self._shown = False
            self._write("")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def progress_text(progress: Progress) -> str:
    """Return how far something has come, in a few words."""
    of = "" if progress.total is None else f"/{progress.total:g}"
    return f"{progress.note or 'working'} {progress.done:g}{of}"


def _under(label: str, value: Any) -> Iterator[str]:
    """Put one line of a value beside its label, more of them below; a list's dash stands beside the first."""
    inner = list(lines(value))
    if label == "-" or (len(inner) <= 1 and not isinstance(value, dict | list)):
        yield f"{label} {inner[0]}" if inner else label
        inner = inner[1:]
    else:
        yield label
    yield from (f"  {line}" for line in inner)


def _padded(cell: str, width: int, right: bool) -> str:  # noqa: FBT001  one cell of a row
    return cell.rjust(width) if right else cell.ljust(width)
