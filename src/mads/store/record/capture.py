"""The record of a SQLite database as a whole: counted, read from end to end, and taken from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mads.store.database import Database
from mads.store.record.port import Batch
from mads.store.record.sqlite import COLUMNS, entry_of, put
from mads.store.sqlite import Connection
from mads.wire.record import Entry

_ORDER = "at_us, id, mad, attempt, kind, subject, span, seq"
_PAGE = f"""
    SELECT {COLUMNS} FROM record
    WHERE (?1 IS NULL OR conversation = ?1) AND (?2 IS NULL OR tenant = ?2) AND at_us >= ?3 AND seq <= ?4
    AND (at_us, id, mad, attempt, kind, subject, span, seq) > (?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ORDER BY {_ORDER} LIMIT ?13
"""  # noqa: S608  names of columns
_FIRST = (-1, "", "", 0, "", "", "", 0)
_TRACE = f"SELECT {COLUMNS} FROM record WHERE trace = ? ORDER BY {_ORDER}"  # noqa: S608  names of columns
_SAME = f"SELECT {COLUMNS} FROM record WHERE id = ?"  # noqa: S608  names of columns
_LABELS = """
    SELECT tenant, conversation, call, mad, attempt, label, author, at_us FROM labels
    WHERE (?1 IS NULL OR conversation = ?1) AND (?2 IS NULL OR tenant = ?2)
    ORDER BY tenant, conversation, call, mad, attempt
"""
_LABEL = """
    INSERT INTO labels (tenant, conversation, call, mad, attempt, label, author, at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET label = excluded.label, author = excluded.author, at_us = excluded.at_us
    WHERE excluded.at_us > labels.at_us
"""
_STATS = """
    SELECT count(*), count(DISTINCT tenant || ' ' || conversation), min(at_us), max(at_us) FROM record
"""
_BODIES = "SELECT count(*), total(length(body)) FROM bodies"
_KINDS = "SELECT kind, count(*) FROM record GROUP BY kind ORDER BY kind"
_LABELLED = (
    "SELECT label, count(*), total(author <> '') FROM record JOIN labelled USING (seq) GROUP BY label ORDER BY label"
)
_REDACTED = """
    SELECT count(*) FROM record
    WHERE mad <> 'steward' AND (instr(asked, x'5b73656e7369746976655d') OR instr(answered, x'5b73656e7369746976655d')
    OR EXISTS (SELECT 1 FROM bodies WHERE address IN (asked, answered) AND instr(body, x'5b73656e7369746976655d')))
"""
_COUNTS = "SELECT (SELECT count(*) FROM holds), (SELECT count(*) FROM erasures)"
_SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """A label as it is kept; of the conversation as a whole where `call` and `mad` are "" and `attempt` is 0."""

    tenant: str
    conversation: str
    call: str
    mad: str
    attempt: int
    label: str
    author: str
    at_us: int


class Counts(Struct, frozen=True):
    """How much there is; sizes in bytes, times in microseconds since 1970."""

    rows: int
    conversations: int
    oldest_us: int | None
    newest_us: int | None
    bodies: int
    body_bytes: int
    file_bytes: int
    kinds: dict[str, int]
    labels: dict[str, int]
    by_hand: int
    redacted: int
    held: int
    erased: int


class Slice(Struct, frozen=True):
    """Which part of the record: of one conversation, of one tenant, from `since_us` on, written up to `until` (seq)."""

    conversation: str | None = None
    tenant: str | None = None
    since_us: int = 0
    until: int = 2**62


class SqliteCapture:
    """The record in `database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self) -> Counts:
        """Return how much there is."""
        return await self._database.read(_counts)

    async def page(self, part: Slice, after: Entry | None, size: int) -> list[Entry]:
        """Return the next `size` entries of `part` in the order of their times, wherever and whenever written."""
        since = _place(after) if after else _FIRST
        bindings = (part.conversation, part.tenant, part.since_us, part.until, *since, size)
        found = await self._database.read(lambda connection: connection.execute(_PAGE, bindings).fetchall())
        return [entry_of(row) for row in found]

    async def trace(self, trace: str) -> list[Entry]:
        """Return all entries of a trace in the order of their times."""
        found = await self._database.read(lambda connection: connection.execute(_TRACE, (trace,)).fetchall())
        return [entry_of(row) for row in found]

    async def marks(self, part: Slice) -> list[Mark]:
        """Return the labels in `part`, in a fixed order."""
        bindings = (part.conversation, part.tenant)
        found = await self._database.read(lambda connection: connection.execute(_LABELS, bindings).fetchall())
        return [Mark(*row) for row in found]

    async def take(self, rows: Iterable[tuple[Entry, dict[bytes, bytes]]], marks: Iterable[Mark]) -> tuple[int, int]:
        """Add what is not there yet, all of it or nothing; return how many rows were new and how many were known.

        A label that was given later than the one that is there takes its place.
        """

        def work(connection: Connection) -> tuple[int, int]:
            added = known = 0
            for entry, bodies in rows:
                if _is_known(connection, entry):
                    known += 1
                else:
                    put(connection, Batch([entry], bodies))
                    added += 1
            connection.executemany(_LABEL, ((*_fields(mark),) for mark in marks))
            return added, known

        return await self._database.write(work)


def _is_known(connection: Connection, entry: Entry) -> bool:
    found = [replace(entry_of(row), seq=0) for row in connection.execute(_SAME, (entry.id,)).fetchall()]
    bare = replace(entry, seq=0, asked=b"", answered=b"")  # a body may have gone since, here or there
    return any(replace(one, asked=b"", answered=b"") == bare for one in found)


def _fields(mark: Mark) -> tuple[Any, ...]:
    return tuple(getattr(mark, name) for name in mark.__struct_fields__)


def _place(entry: Entry) -> tuple[Any, ...]:
    it = entry
    return (it.at_us, it.id, it.mad, it.attempt, it.kind, it.subject, it.span, it.seq)


def _counts(connection: Connection) -> Counts:
    ((rows, conversations, oldest, newest),) = connection.execute(_STATS).fetchall()
    ((bodies, body_bytes),) = connection.execute(_BODIES).fetchall()
    ((size,),) = connection.execute(_SIZE).fetchall()
    ((redacted,),) = connection.execute(_REDACTED).fetchall()
    ((held, erased),) = connection.execute(_COUNTS).fetchall()
    labelled = connection.execute(_LABELLED).fetchall()
    return Counts(
        rows=rows,
        conversations=conversations,
        oldest_us=oldest,
        newest_us=newest,
        bodies=bodies,
        body_bytes=int(body_bytes),
        file_bytes=size,
        kinds=dict(connection.execute(_KINDS).fetchall()),
        labels={label: count for label, count, _ in labelled},
        by_hand=int(sum(by_hand for *_, by_hand in labelled)),
        redacted=redacted,
        held=held,
        erased=erased,
    )
