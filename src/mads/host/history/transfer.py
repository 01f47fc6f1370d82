"""The record as lines of JSON, and back: as it was recorded, redactions and all, and byte for byte the same again.

The first line names the schema, the last one counts the others. Between them stands a row a line in the order of their
times, each with its bodies, then the labels. The order of keys is fixed, so that one record is one text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct, field

from mads.store.record.capture import Mark
from mads.wire import codec
from mads.wire.conversation import LABELS
from mads.wire.errors import InvalidMessage
from mads.wire.record import HASHED, Entry, address

SCHEMA, VERSION = "mads.record", 1

RAW = "$msgpack"
"""The key of a body that JSON could not tell: its bytes, as base64."""

LARGEST = 2**62
"""A number below which all numbers in a row are."""

_BARE = {"seq", "asked", "answered"}


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line."""

    schema: str
    version: int


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A line with a row: the entry without its number, and its bodies."""

    entry: dict[str, Any]
    asked: Any = UNSET
    answered: Any = UNSET


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """Any line but the first."""

    row: Row | None = None
    label: Mark | None = None
    lines: int | None = None


class Taking(Struct):
    """What an export holds."""

    rows: list[tuple[Entry, dict[bytes, bytes]]] = field(default_factory=list[tuple[Entry, dict[bytes, bytes]]])
    marks: list[Mark] = field(default_factory=list[Mark])

    def tenants(self) -> set[str]:
        """Return whose it is."""
        return {entry.tenant for entry, _ in self.rows} | {mark.tenant for mark in self.marks}


def head() -> str:
    """Return the first line."""
    return canonical({"schema": SCHEMA, "version": VERSION})


def row(entry: Entry, bodies: dict[bytes, bytes]) -> str:
    """Return the line of one row with those of its bodies that are there."""
    bare = {name: value for name, value in codec.plain(entry).items() if name not in _BARE}
    told = {"asked": bodies.get(entry.asked), "answered": bodies.get(entry.answered)}
    return canonical({"row": {"entry": bare, **{name: _told(body) for name, body in told.items() if body is not None}}})


def mark(label: Mark) -> str:
    """Return the line of one label."""
    return canonical({"label": codec.plain(label)})


def end(lines: int) -> str:
    """Return the last line, after so many others."""
    return canonical({"lines": lines})


def canonical(value: Any) -> str:
    """Return `value` as JSON on one line; the order of its keys is its own."""
    return msgspec.json.encode(value).decode()


def read(lines: Iterable[bytes]) -> Taking:
    """Return what the lines of an export hold; raise `InvalidMessage` that names the first line which is wrong."""
    taking, ended, number = Taking(), False, 0
    for number, line in enumerate(lines, 1):
        try:
            if ended:
                raise ValueError("nothing may follow the line that counts the others")  # noqa: TRY301
            ended = _take(taking, line, number)
        except (ValueError, InvalidMessage, RecursionError) as error:
            raise InvalidMessage(f"line {number}: {error}; nothing was imported") from None
    if not ended:
        raise InvalidMessage(
            f"line {number + 1}: the export ends before its last line, which counts the others: it was cut off; "
            "nothing was imported"
        )
    return taking


def _take(taking: Taking, line: bytes, number: int) -> bool:
    """Add what a line holds to `taking`; return whether it is the last."""
    if number == 1:
        _check_head(line)
        return False
    it = msgspec.json.decode(line, type=Line)
    if [it.row, it.label, it.lines].count(None) != 2:  # noqa: PLR2004
        raise ValueError("a line holds one of `row`, `label` and `lines`")
    if it.row is not None:
        taking.rows.append(_row_of(it.row))
    if it.label is not None:
        if it.label.label not in LABELS:
            raise ValueError(f"{it.label.label!r} is no label; it is one of {', '.join(LABELS)}")
        taking.marks.append(it.label)
    if it.lines is not None and it.lines != number - 1:
        raise ValueError(f"{it.lines} lines should stand above this one, and {number - 1} do: some are missing")
    return it.lines is not None


def _check_head(line: bytes) -> None:
    try:
        head = msgspec.json.decode(line, type=Head)
    except ValueError as error:
        raise ValueError(
            f"this is no export: its first line should be {canonical({'schema': SCHEMA, 'version': VERSION})} ({error})"
        ) from error
    if (head.schema, head.version) != (SCHEMA, VERSION):
        raise ValueError(
            f"this is {head.schema!r} version {head.version}, and what can be read is {SCHEMA!r} version {VERSION}"
        )


def _row_of(row: Row) -> tuple[Entry, dict[bytes, bytes]]:
    if wrong := sorted({*row.entry} & _BARE) or sorted({*row.entry} - {*Entry.__struct_fields__}):
        raise ValueError(f"an entry has no {wrong[0]!r}")
    bare = msgspec.convert(row.entry | dict.fromkeys(("asked", "answered"), b""), Entry)
    large = [name for name, value in row.entry.items() if isinstance(value, int) and not 0 <= value < LARGEST]
    if large:
        raise ValueError(f"{large[0]} is {row.entry[large[0]]}, which is no number that is recorded")
    bodies = {
        name: _read(told) for name, told in (("asked", row.asked), ("answered", row.answered)) if told is not UNSET
    }
    at = {name: address(body) for name, body in bodies.items()}
    kept = {at[name]: body for name, body in bodies.items() if len(at[name]) >= HASHED}
    return msgspec.structs.replace(bare, **at), kept


def _told(body: bytes) -> Any:
    """Return a body as JSON from which `_read` makes the same bytes again."""
    try:
        value = codec.plain(codec.decode(body, Any))
        if _read(msgspec.json.decode(canonical(value))) == body:
            return value
    except (InvalidMessage, ValueError, TypeError, RecursionError):
        pass
    return {RAW: base64.b64encode(body).decode()}


def _read(told: Any) -> bytes:
    if not isinstance(told, dict) or RAW not in told:
        return codec.encode(told)
    match cast("dict[str, Any]", told):
        case {"$msgpack": str(raw), **rest} if not rest:
            return base64.b64decode(raw, validate=True)
        case _:
            raise ValueError(f"a body that JSON cannot tell is {{{RAW!r}: base64}}")
