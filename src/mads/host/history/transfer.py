"""The record as lines of JSON, and back: as it was recorded, redactions and all, and byte for byte the same again.

The first line names the schema, the last one counts the others and has their SHA-256. Between them stands a row a line
in the order of their times, each with its bodies, then the labels and the holds. The order of keys is fixed, so that
one record is one text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import msgspec
from msgspec import UNSET, Struct

from mads.store.record.capture import Hold, Mark, Part
from mads.wire import codec
from mads.wire.conversation import LABELS
from mads.wire.errors import InvalidMessage
from mads.wire.record import HASHED, Entry, address

SCHEMA, VERSION = "mads.record", 5
"""Version 1 knew of nothing that is held; before version 4 rows had no `steady_us`, before version 5 no `taint`."""

SUMMED = 3
"""The first version that has a SHA-256."""

LONGEST = 256 * 1024 * 1024
"""How many bytes a line may have: two bodies as large as they may travel, in whatever letters."""

MOST = 2_000_000
"""How many lines an import may have."""

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
    hold: Hold | None = None
    lines: int | None = None
    sha256: str = ""


class Sum:
    """How many lines there were, and their SHA-256; `version` is what the first of them said."""

    def __init__(self, version: int = VERSION) -> None:
        self.version = version
        self._lines, self._hash = 0, hashlib.sha256()

    def add(self, line: bytes) -> None:
        """Take one more, with what ends it."""
        self._lines += 1
        self._hash.update(line)

    def end(self) -> str:
        """Return the last line."""
        return canonical({"lines": self._lines, "sha256": self._hash.hexdigest()})

    def check(self, lines: int, sha256: str) -> None:
        """Raise `ValueError` where the last line tells of others than there were."""
        if lines != self._lines:
            raise ValueError(f"{lines} lines should stand above this one, and {self._lines} do: some are missing")
        if self.version >= SUMMED and sha256 != self._hash.hexdigest():
            raise ValueError("the lines above are not as they were written: their SHA-256 is another")


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


def hold(held: Hold) -> str:
    """Return the line of a conversation that is held."""
    return canonical({"hold": codec.plain(held)})


def canonical(value: Any) -> str:
    """Return `value` as JSON on one line; the order of its keys is its own."""
    return msgspec.json.encode(value).decode()


def read(file: BinaryIO) -> Iterator[Part]:
    """Iterate over what an export holds; raise `InvalidMessage` that names the first line which is wrong.

    No more than one line is in memory at a time. A file that ends before its last line is told of at its end.
    """
    file.seek(0)
    ended, number, summed = False, 0, Sum()
    while line := file.readline(LONGEST + 1):
        number += 1
        try:
            if ended:
                raise ValueError("nothing may follow the line that counts the others")  # noqa: TRY301
            part = _part(line, number, summed)
        except (ValueError, InvalidMessage, RecursionError) as error:
            raise InvalidMessage(f"line {number}: {error}; nothing was imported") from None
        ended = part is None and number > 1
        summed.add(line)
        if part is not None:
            yield part
    if not ended:
        raise InvalidMessage(
            f"line {number + 1}: the export ends before its last line, which counts the others: it was cut off; "
            "nothing was imported"
        )


def _part(line: bytes, number: int, above: Sum) -> Part | None:
    """Return what a line holds; None of the first, and of the last."""
    if len(line) > LONGEST:
        raise ValueError(f"it has more than the {LONGEST:,} bytes that a line may have")
    if number > MOST:
        raise ValueError(f"an import has {MOST:,} lines at most; export the conversations one by one, and import those")
    if number == 1:
        above.version = _version(line)
        return None
    it = msgspec.json.decode(line, type=Line)
    if [it.row, it.label, it.hold, it.lines].count(None) != 3:  # noqa: PLR2004
        raise ValueError("a line holds one of `row`, `label`, `hold` and `lines`")
    if it.label is not None and it.label.label not in LABELS:
        raise ValueError(f"{it.label.label!r} is no label; it is one of {', '.join(LABELS)}")
    if it.hold is not None and not it.hold.why.strip():
        raise ValueError("it does not say why the conversation is held")
    if it.lines is not None:
        above.check(it.lines, it.sha256)
    return it.label or it.hold or (None if it.row is None else _row_of(it.row))


def _version(line: bytes) -> int:
    try:
        head = msgspec.json.decode(line, type=Head)
    except ValueError as error:
        raise ValueError(
            f"this is no export: its first line should be {canonical({'schema': SCHEMA, 'version': VERSION})} ({error})"
        ) from error
    if head.schema != SCHEMA or not 1 <= head.version <= VERSION:
        raise ValueError(
            f"this is {head.schema!r} version {head.version}, and what can be read is {SCHEMA!r} version 1 to {VERSION}"
        )
    return head.version


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
