"""Decisions as files: what one is about, what it replaces, and which of them govern a path or a name."""

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple, cast

from msgspec import Struct

from mads.recall.tables import Reader
from mads.store.sqlite import Connection

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"^(\w+):[ \t]*(.*(?:\n(?:[ \t]+|-[ \t]).*)*)", re.MULTILINE)
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_NUMBER = re.compile(r"\d+")


class Front(NamedTuple):
    """What a decision says of itself; `affects` are paths, `supersedes` the numbers of decisions it replaces."""

    number: str
    title: str
    status: str
    affects: tuple[str, ...]
    supersedes: tuple[str, ...]


class Decision(Struct, frozen=True):
    """A decision that governs what was asked for, and `because` of what; `superseded_by` another where it is not ""."""

    id: str
    title: str
    status: str
    citation: str
    because: str
    superseded_by: str = ""


def decision(path: str, text: str) -> Front:
    """Return what the decision in a file says of itself: by its front matter, else by its name and first heading."""
    name = PurePosixPath(path).stem
    front = _FRONT.match(text)
    told = {key: _entries(value) for key, value in _KEY.findall(front[1])} if front else {}
    number = _NUMBER.search(name)
    title = _TITLE.search(text, front.end() if front else 0)
    return Front(
        "".join(told.get("id", ())[:1]) or (number[0] if number else name),
        title[1] if title else name,
        "".join(told.get("status", ())[:1]),
        told.get("affects", ()),
        told.get("supersedes", ()),
    )


def governing(db: Connection, target: str, reader: Reader) -> list[Decision]:
    """Return the decisions about a path, or about the files where a name is defined, the nearest first.

    Those that name it, or a folder it is in, come before those that only speak of it; what is superseded comes last.
    """
    if not target.strip():
        return []
    paths = sorted({target.rstrip("/"), *_where(db, target, reader)})
    allowed, bindings = reader.allowed(tenant="''")
    found = db.execute(f"SELECT * FROM decisions WHERE {allowed}", bindings)  # noqa: S608  the condition is ours
    rows = [
        (path, Front(number, title, status, tuple(json.loads(affects)), tuple(json.loads(supersedes))))
        for path, number, title, status, affects, supersedes in found
    ]
    replaced = {old: front.number for _, front in rows for old in front.supersedes}
    speaking = _speaking(db, target)
    near = [
        (front.number in replaced, -weight, Decision(front.number, front.title, front.status, f"{path}:1", because, by))
        for path, front in rows
        for weight, because in [_reason(front, paths, speaking.get(path, 0))]
        for by in [replaced.get(front.number, "")]
        if because
    ]
    return [decided for *_, decided in sorted(near, key=lambda entry: (*entry[:2], entry[2].id))]


def _entries(value: str) -> tuple[str, ...]:
    """Return the texts of a value of YAML: one, a list in brackets, or one a line."""
    try:
        told = json.loads(value)
    except ValueError:
        entries = (entry.strip().removeprefix("- ").strip("\"' ") for entry in re.split(r"[,\n]", value.strip("[] \n")))
        return tuple(filter(None, entries))
    return tuple(map(str, cast("list[object]", told))) if isinstance(told, list) else (str(told),)


def _where(db: Connection, name: str, reader: Reader) -> Iterator[str]:
    """Yield the files in which `name` is defined."""
    allowed, bindings = reader.allowed()
    found = db.execute(
        "SELECT DISTINCT path FROM chunks WHERE (symbol = ?1 OR substr(symbol, -length(?1) - 1) = '.' || ?1)"  # noqa: S608
        f" AND {allowed} LIMIT 100",
        (name, *bindings),
    )
    return (str(path) for (path,) in found.fetchall())


def _speaking(db: Connection, target: str) -> dict[str, int]:
    """Return for each decision that holds `target`, word for word, how many of its chunks do."""
    found = db.execute(
        "SELECT path, count(*) FROM chunks WHERE kind = 'decision' AND instr(text, ?) GROUP BY path", (target,)
    )
    return {str(path): int(count) for path, count in found.fetchall()}


def _reason(front: Front, paths: list[str], spoken: int) -> tuple[int, str]:
    """Return how near a decision is to `paths`, and why it is near at all."""
    near = [
        (len(about), f"affects {about}")
        for about in (entry.rstrip("/") for entry in front.affects)
        for path in paths
        if path == about or path.startswith(f"{about}/")
    ]
    return max(near, default=(0, "speaks of it" if spoken else ""))
