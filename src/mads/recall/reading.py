"""Read on from a citation: the text of a place, what a file defines, what stands in a folder."""

import re
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from mads.recall.files import read
from mads.recall.filling import BY_WORDS_ALONE, cut
from mads.recall.kinds import Kind, kind_of
from mads.recall.tables import Reader
from mads.store.sqlite import Connection

LINES, CHARACTERS = 400, 40_000
"""The most lines of a passage, and the most characters: whoever reads may be a model, which pays for each."""

ENTRIES = 500
"""The most entries of an outline."""

_PLACE = re.compile(r"(?P<path>.+?)(?::(?P<first>\d+)(?:-(?P<last>\d+))?)?", re.DOTALL)


class Passage(Struct, frozen=True):
    """Lines `first` to `last` of `lines` lines of a file as it is now; `symbol` is where they begin.

    What is too long ends sooner, with whole lines, unless the first is too long by itself.
    """

    path: str
    first: int
    last: int
    lines: int
    symbol: str
    text: str


class Entry(Struct, frozen=True):
    """A function, class or section of a file, or a file of a folder: where it stands and how it begins."""

    citation: str
    symbol: str
    kind: Kind
    begins: str


class _Span(NamedTuple):
    path: str
    first: int
    last: int
    symbol: str


def passage(db: Connection, folder: Path, place: str, reader: Reader) -> Passage | None:
    """Return what stands at `place`; None where nothing does, or nothing that may be seen.

    `path:first-last` is those lines, `path:line` the function or section around that line, `path` the file from its
    start, and anything else a function, class or section of that name.
    """
    span = (_located(db, place, reader) or _named(db, place, reader)) if place else None
    text = read(folder, span.path) if span else None
    if span is None or text is None:
        return None
    lines = text.split("\n")
    last = min(span.last, span.first + LINES - 1, len(lines))
    if last < span.first:
        return None
    if _holds_others(span.path, text, span.first, last, reader):
        return None
    told = _bounded(lines[span.first - 1 : last])
    return Passage(span.path, span.first, span.first + len(told) - 1, len(lines), span.symbol, "\n".join(told))


def _bounded(lines: list[str]) -> list[str]:
    """Return as many of `lines` as fit; of a first one that does not, its beginning."""
    ends = accumulate(len(line) + 1 for line in lines)
    fit = sum(end <= CHARACTERS + 1 for end in ends)
    return lines[:fit] or [lines[0][:CHARACTERS]]


def outline(db: Connection, path: str, reader: Reader) -> list[Entry]:
    """Return what the file at `path` defines, in its order, or the files of that folder; at most `ENTRIES`."""
    inside = path.strip("/").removeprefix("./")
    allowed, bindings = reader.allowed()
    named = db.execute(
        f"SELECT path, min(first), symbol, kind, text FROM chunks WHERE path = ? AND {allowed}"  # noqa: S608
        " GROUP BY symbol ORDER BY min(first) LIMIT ?",
        (inside, *bindings, ENTRIES),
    ).fetchall()
    start = f"{inside}/" if inside not in {"", "."} else ""
    rows = named or db.execute(
        f"SELECT path, min(first), '', kind, text FROM chunks WHERE substr(path, 1, ?) = ? AND {allowed}"  # noqa: S608
        " GROUP BY path ORDER BY path LIMIT ?",
        (len(start), start, *bindings, ENTRIES),
    )
    return [Entry(f"{at}:{first}", symbol, kind, _beginning(text)) for at, first, symbol, kind, text in rows]


def _holds_others(path: str, text: str, first: int, last: int, reader: Reader) -> bool:
    """Return whether some of these lines are another tenant's, as the file is now and not as it was indexed."""
    return kind_of(path) in BY_WORDS_ALONE and any(
        tenant not in {"", reader.tenant} and chunk.first <= last and chunk.last >= first
        for chunk, tenant in cut(path, text)
    )


def _beginning(text: str) -> str:
    return next((line.strip()[:200] for line in text.split("\n") if line.strip(" \t\"'#-=/*")), "")


def _located(db: Connection, place: str, reader: Reader) -> _Span | None:
    match = _PLACE.fullmatch(place)
    if match is None:
        return None
    path, first, last = match["path"].removeprefix("./"), int((match["first"] or "1")[:9]), match["last"]
    allowed, bindings = reader.allowed()
    found = db.execute(
        f"SELECT first, last, symbol FROM chunks WHERE path = ? AND {allowed} ORDER BY first",  # noqa: S608
        (path, *bindings),
    ).fetchall()
    if not found:
        return None
    around = [(begins, ends, symbol) for begins, ends, symbol in found if begins <= max(1, first)]
    begins, ends, symbol = (around or found)[-1] if around else found[0]
    if match["first"] is None:
        return _Span(path, 1, LINES, "")
    if last is not None:
        return _Span(path, max(1, first), max(int(last[:9]), 1), symbol)
    return _Span(path, begins, max(ends, first), symbol)


def _named(db: Connection, name: str, reader: Reader) -> _Span | None:
    """Return where `name` is defined, by its whole name before its last part, by code before what proves it."""
    allowed, bindings = reader.allowed()
    found = db.execute(
        f"SELECT path, min(first), max(last), symbol FROM chunks"  # noqa: S608
        f" WHERE (symbol = ?1 OR substr(symbol, -length(?1) - 1) = '.' || ?1) AND {allowed}"
        " GROUP BY path, symbol ORDER BY kind = 'test', length(symbol), path LIMIT 1",
        (name, *bindings),
    )
    return next((_Span(*row) for row in found.fetchall()), None)
