"""Cut a file into pieces a reader would point at: a function, a method, a section, else a window of lines."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

LINES = 80
"""The most lines of one chunk; a longer function or section becomes several of the same symbol."""

CHARACTERS = 4_000
"""A chunk of so many takes no further line; of one that is longer still, the first 8,000 are kept."""

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)[\s#]*$")
_FENCE = re.compile(r"\s*(```|~~~)")


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
    ordered = sorted(starts)
    return [
        chunk
        for first, end in zip(ordered, [*ordered[1:], len(lines) + 1], strict=True)
        for chunk in _windows(path, lines, first, end, starts[first])
    ]


def _starts(path: str, text: str, lines: list[str]) -> dict[int, str]:
    """Return the lines at which something begins that has a name, and the name; "" where it is over."""
    match path.rpartition(".")[2].lower():
        case "py" | "pyi":
            return _python(text, lines)
        case "md" | "markdown":
            return dict(_markdown(lines))
        case _:
            return {}


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


def _python(text: str, lines: list[str]) -> dict[int, str]:
    starts: dict[int, str] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        if ast.get_docstring(tree, clean=False) is not None:
            starts[(tree.body[0].end_lineno or 1) + 1] = ""
        _define(tree, "", lines, starts)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # no Python, or nested deeper than Python can follow
        return {}
    return starts


def _define(node: ast.AST, outer: str, lines: list[str], starts: dict[int, str]) -> None:
    """Add where each function and class of `node` starts, with the comment above it, and where it is over."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{child.name}" if outer else child.name
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            while first > 1 and lines[first - 2].lstrip().startswith("#"):
                first -= 1
            starts[first] = name
            if isinstance(child, ast.ClassDef):
                _define(child, name, lines, starts)
            starts[(child.end_lineno or child.lineno) + 1] = outer
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            _define(child, outer, lines, starts)


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
