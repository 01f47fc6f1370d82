"""The record of a SQLite database as a whole: counted, read from end to end, and taken from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from mads.store.database import Database
from mads.store.record.port import Batch
from mads.store.record.sqlite import COLUMNS, entry_of, put
from mads.store.sqlite import Connection
from mads.wire.record import Entry

PART = 2_000
"""How many rows are counted at a time: for no longer does anybody wait who folds the log."""

MANY = 2_000
"""How many entries of several traces are read at a time."""

STEP = 200
"""How many parts of an import are written at a time: for so long others wait who want to write."""

WEIGHT = 4 * 1024 * 1024
"""How many bytes of bodies are enough for fewer."""

WHOLE = 100_000
"""How many entries of one trace are read."""

_ORDER = "at_us, id, mad, attempt, kind, subject, span, seq"
_PAGE = f"""
    SELECT {COLUMNS} FROM record
    WHERE (?1 IS NULL OR conversation = ?1) AND (?2 IS NULL OR tenant = ?2) AND at_us >= ?3 AND seq <= ?4
    AND (at_us, id, mad, attempt, kind, subject, span, seq) > (?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ORDER BY {_ORDER} LIMIT ?13
"""  # noqa: S608  names of columns
_FIRST = (-1, "", "", 0, "", "", "", 0)
_TRACE = f"""
    SELECT {COLUMNS} FROM record WHERE trace = ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY {_ORDER} LIMIT {WHOLE}
"""  # noqa: S608  names of columns
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
_HOLDS = """
    SELECT tenant, conversation, why, author, at_us FROM holds
    WHERE (?1 IS NULL OR conversation = ?1) AND (?2 IS NULL OR tenant = ?2) ORDER BY tenant, conversation
"""
_HOLD = "INSERT INTO holds (tenant, conversation, why, author, at_us) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_COPY = """
    INSERT INTO copies (kind, tenant, conversation, place, author, at_us) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET at_us = max(at_us, excluded.at_us)
"""
_ENDS = "SELECT coalesce(min(seq), 0), coalesce(max(seq), -1) FROM record"
_ROWS = """
    SELECT kind, label, author <> '', count(*), min(at_us), max(at_us), total(
        mad <> 'steward' AND (instr(asked, x'5b73656e7369746976655d') OR instr(answered, x'5b73656e7369746976655d')
        OR EXISTS (SELECT 1 FROM bodies WHERE address IN (asked, answered) AND instr(body, x'5b73656e7369746976655d')))
    )
    FROM record JOIN labelled USING (seq) WHERE seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR tenant = ?3)
    GROUP BY kind, label, author <> ''
"""
_BODIES = "SELECT count(*), total(length(body)) FROM bodies"
_ITS_BODIES = """
    SELECT count(*), total(length(body)) FROM record JOIN bodies ON address IN (asked, answered)
    WHERE seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR tenant = ?3)
"""
_CONVERSATIONS = f"""
    SELECT conversation, count(DISTINCT tenant) FROM record
    WHERE conversation > ?1 AND (?2 IS NULL OR tenant = ?2) GROUP BY conversation ORDER BY conversation LIMIT {PART}
"""  # noqa: S608  our own words
_COUNTS = """
    SELECT (SELECT count(*) FROM holds WHERE ?1 IS NULL OR tenant = ?1),
    (SELECT count(*) FROM erasures WHERE ?1 IS NULL OR tenant = ?1)
"""
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


class Hold(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a conversation may not be erased, as it is kept."""

    tenant: str
    conversation: str
    why: str
    author: str
    at_us: int


Part = tuple[Entry, dict[bytes, bytes]] | Mark | Hold
"""What is taken from elsewhere: a row with its bodies, a label, or what is held."""


class Copy(Struct, frozen=True):
    """What was handed on, or taken: an export, a dataset or an import, of a tenant ("": all) and a conversation.

    `place` is where it went, or came from, as `author` said.
    """

    kind: str
    tenant: str
    conversation: str
    place: str
    author: str
    at_us: int


class Counts(Struct):
    """How much there is; sizes in bytes, times in microseconds since 1970.

    A body counts once, of what is one tenant's for each row that has it.
    """

    rows: int = 0
    conversations: int = 0
    oldest_us: int | None = None
    newest_us: int | None = None
    bodies: int = 0
    body_bytes: int = 0
    file_bytes: int = 0
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    labels: dict[str, int] = field(default_factory=dict[str, int])
    by_hand: int = 0
    redacted: int = 0
    held: int = 0
    erased: int = 0

    def hold(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Count some bodies: how many, and their bytes."""
        for bodies, size in rows:
            self.bodies += bodies
            self.body_bytes += int(size)

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Count some rows: by kind, label and whether a person gave it, how many, of which time, how many redacted."""
        for kind, label, by_hand, count, oldest, newest, redacted in rows:
            self.rows += count
            self.kinds[kind] = self.kinds.get(kind, 0) + count
            self.labels[label] = self.labels.get(label, 0) + count
            self.by_hand += count if by_hand else 0
            self.redacted += int(redacted)
            self.oldest_us = oldest if self.oldest_us is None else min(self.oldest_us, oldest)
            self.newest_us = newest if self.newest_us is None else max(self.newest_us, newest)


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

    async def counts(self, tenant: str | None) -> Counts:
        """Return how much there is of one tenant's, or of all."""
        found = Counts()
        first, last = (await self._rows(_ENDS))[0]
        for start in range(first, last + 1, PART):
            part = (start, start + PART - 1, tenant)
            found.add(await self._rows(_ROWS, *part))
            if tenant is not None:
                found.hold(await self._rows(_ITS_BODIES, *part))
        if tenant is None:
            found.hold(await self._rows(_BODIES))
        after = ""
        while named := await self._rows(_CONVERSATIONS, after, tenant):
            found.conversations += sum(tenants for _, tenants in named)
            after = named[-1][0]
        ((found.held, found.erased),) = await self._rows(_COUNTS, tenant)
        ((found.file_bytes,),) = await self._rows(_SIZE)
        return found

    async def _rows(self, statement: str, *bindings: int | str | None) -> list[tuple[Any, ...]]:
        return await self._database.scan(lambda connection: connection.execute(statement, bindings).fetchall())

    async def page(self, part: Slice, after: Entry | None, size: int) -> list[Entry]:
        """Return the next `size` entries of `part` in the order of their times, wherever and whenever written."""
        since = _place(after) if after else _FIRST
        bindings = (part.conversation, part.tenant, part.since_us, part.until, *since, size)
        found = await self._database.scan(lambda connection: connection.execute(_PAGE, bindings).fetchall())
        return [entry_of(row) for row in found]

    async def traces(self, traces: Iterable[str], tenant: str | None) -> dict[str, list[Entry]]:
        """Return the entries of `traces`, of one tenant or of all, in the order of their times: `WHOLE` of each.

        That is of as many, from the first on, as have `MANY` entries together: of one at least.
        """

        def read(connection: Connection) -> dict[str, list[Entry]]:
            found: dict[str, list[Entry]] = {}
            left = MANY
            for trace in traces:
                found[trace] = [entry_of(row) for row in connection.execute(_TRACE, (trace, tenant)).fetchall()]
                left -= len(found[trace])
                if left <= 0:
                    break
            return found

        return await self._database.scan(read)

    async def marks(self, part: Slice) -> list[Mark]:
        """Return the labels in `part`, in a fixed order."""
        bindings = (part.conversation, part.tenant)
        found = await self._database.scan(lambda connection: connection.execute(_LABELS, bindings).fetchall())
        return [Mark(*row) for row in found]

    async def holds(self, part: Slice) -> list[Hold]:
        """Return what is held in `part`, in a fixed order."""
        return [Hold(*row) for row in await self._rows(_HOLDS, part.conversation, part.tenant)]

    async def note(self, copy: Copy) -> None:
        """Remember that something was handed on, or taken."""
        await self._database.write(lambda connection: connection.execute(_COPY, _fields(copy)).close())

    async def take(self, parts: Iterator[Part]) -> tuple[int, int]:
        """Add what is not there yet, `STEP` parts at a time; return how many rows were new and how many were known.

        Others write in between; what was cut short goes on where the same is taken again. A label that was given later
        than the one that is there takes its place. What is held stays as it is held.
        """
        added = known = 0
        while step := await asyncio.to_thread(_step, parts):
            new, old = await self._database.write(partial(_take, parts=step))
            added, known = added + new, known + old
        return added, known


def _step(parts: Iterator[Part]) -> list[Part]:
    """Return the next of `parts`: `STEP` of them, or fewer whose bodies have `WEIGHT` bytes."""
    step: list[Part] = []
    weight = 0
    for part in parts:
        step.append(part)
        weight += sum(map(len, part[1].values())) if isinstance(part, tuple) else 0
        if len(step) >= STEP or weight >= WEIGHT:
            break
    return step


def _take(connection: Connection, parts: Sequence[Part]) -> tuple[int, int]:
    added = known = 0
    for part in parts:
        if isinstance(part, Mark | Hold):
            connection.execute(_LABEL if isinstance(part, Mark) else _HOLD, _fields(part)).close()
        elif _is_known(connection, part[0]):
            known += 1
        else:
            put(connection, Batch([part[0]], part[1]))
            added += 1
    return added, known


def _is_known(connection: Connection, entry: Entry) -> bool:
    found = connection.execute(_SAME, (entry.id,)).fetchall()
    return any(_bare(entry_of(row)) == _bare(entry) for row in found)


def _bare(entry: Entry) -> Entry:
    """Return what is the same of it wherever it lies: a body may have gone, and older exports have no `steady_us`."""
    return replace(entry, seq=0, steady_us=0, asked=b"", answered=b"")


def _fields(it: Mark | Hold | Copy) -> tuple[Any, ...]:
    return tuple(getattr(it, name) for name in it.__struct_fields__)


def _place(entry: Entry) -> tuple[Any, ...]:
    it = entry
    return (it.at_us, it.id, it.mad, it.attempt, it.kind, it.subject, it.span, it.seq)
