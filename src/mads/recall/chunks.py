"""Cut a file into pieces a reader would point at: a function, a method, a section, else a window of lines."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mads.recall.grammars import definitions
from mads.recall.kinds import Kind, kind_of

LINES = 80
"""The most lines of one chunk; a longer function or section becomes several of the same symbol."""

CHARACTERS = 4_000
"""A chunk of so many takes no further line; of one that is longer still, the first 8,000 are kept."""

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)[\s#]*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_TABLE = re.compile(r"\[\[?([^\[\]]+)\]\]?\s*(#.*)?$")
_ITEM = re.compile(r"([A-Za-z]+-\d+)\s*=")
_FAMILY = re.compile(r"# (?:HELP|TYPE) (\S+)")


class Chunk(NamedTuple):
    """Lines `first` to `last` of a file, counted from 1; `symbol` is the name or heading they stand under, or empty."""

    path: str
    first: int
    last: int
    symbol: str
    text: str


def chunks(path: str, text: str) -> list[Chunk]:
    r"""Return the chunks of a file whose lines end in `\n`: in order, apart from each other, and none of them blank.

    Every line that is not blank is in one of them.
    """
    lines = text.split("\n")
    starts = {1: "", **_starts(path, text, lines)}
    ordered = sorted(start for start in starts if start <= len(lines))
    return [
        chunk
        for first, end in zip(ordered, [*ordered[1:], len(lines) + 1], strict=True)
        for chunk in _windows(path, lines, first, end, starts[first])
    ]


def _starts(path: str, text: str, lines: list[str]) -> dict[int, str]:
    """Return the lines at which something begins that has a name, and the name; "" where it is over."""
    kind: Kind = kind_of(path)
    match path.rpartition(".")[2].lower():
        case "md" | "markdown":
            return dict(_markdown(lines))
        case "toml":
            return dict(_named(lines, _TABLE, *([_ITEM] if kind == "requirement" else [])))
        case _ if kind == "metric":
            return dict(_named(lines, _FAMILY))
        case ending:
            return _code(ending, text)


def _windows(path: str, lines: list[str], first: int, end: int, symbol: str) -> Iterator[Chunk]:
    """Yield lines `first` to `end` - 1 without the blank ones around them, in pieces that are not too large."""
    while first < end:
        if not lines[first - 1].strip():
            first += 1
            continue
        last, size = first, len(lines[first - 1])
        while last + 1 < end and last + 1 - first < LINES and size < CHARACTERS:
            last += 1
            size += len(lines[last - 1])
        text = "\n".join(lines[first - 1 : last]).rstrip()
        yield Chunk(path, first, first + text.count("\n"), symbol, text[: 2 * CHARACTERS])
        first = last + 1


def _code(ending: str, text: str) -> dict[int, str]:
    found = definitions(ending, text)
    ends = {definition.last + 1: definition.outer for definition in reversed(found)}
    return {**ends, **{definition.first: definition.name for definition in found}}


def _markdown(lines: list[str]) -> Iterator[tuple[int, str]]:
    fence = ""
    trail: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if mark := _FENCE.match(line):
            fence = "" if fence == mark[1] else fence or mark[1]
        elif not fence and (heading := _HEADING.match(line)):
            depth = len(heading[1])
            trail = [*((above, title) for above, title in trail if above < depth), (depth, heading[2])]
            yield number, " > ".join(title for _, title in trail)


def _named(lines: list[str], *patterns: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines with which something begins that one of `patterns` names, once for each name in a row."""
    last = ""
    for number, line in enumerate(lines, 1):
        found = next((match[1].strip() for pattern in patterns if (match := pattern.match(line))), last)
        if found != last:
            last = found
            yield number, found
