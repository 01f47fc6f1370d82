"""The record in a SQLite database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from msgspec.structs import astuple

from mads.store.database import Database
from mads.store.record.port import Batch, Query
from mads.store.sqlite import Connection, Value
from mads.wire.record import HASHED, Decision, Entry

COLUMNS = ", ".join(Entry.__struct_fields__)
_ROW = f"(NULL{',?' * (len(Entry.__struct_fields__) - 1)})"
_ADD = {rows: f"INSERT INTO record ({COLUMNS}) VALUES {','.join([_ROW] * rows)}" for rows in (250, 25, 1)}  # noqa: S608  names of columns
"""Many rows in one statement: between two statements the writer's thread waits for its turn at the interpreter."""
_KEEP = """
    INSERT INTO bodies (address, body, refs) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET refs = refs + excluded.refs
"""
_BODY = "SELECT body FROM bodies WHERE address = ?"

_CONDITIONS = {
    "tenant": "tenant = ?",
    "trace": "trace = ?",
    "conversation": "conversation = ?",
    "id": "id = ?",
    "since": "at_us >= ?",
    "until": "at_us < ?",
}

_decisions = msgspec.json.Decoder(tuple[Decision, ...])
_chain = msgspec.json.Decoder(tuple[str, ...])


class SqliteRecord:
    """Keeps the record in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, make: Callable[[], Batch]) -> int:
        """Keep what `make` returns, which is called in the writer's thread; return how many entries that were."""

        def work(connection: Connection) -> int:
            batch = make()
            put(connection, batch)
            return len(batch.entries)

        return await self._database.write(work)

    async def entries(self, query: Query) -> list[Entry]:
        """Return the entries that `query` asks for."""
        asked = {name: value for name in _CONDITIONS if (value := getattr(query, name)) is not None}
        where = " AND ".join(["seq > ?", *(_CONDITIONS[name] for name in asked)])
        order = "DESC" if query.newest else "ASC"
        statement = f"SELECT {COLUMNS} FROM record WHERE {where} ORDER BY seq {order} LIMIT ?"  # noqa: S608  our own words
        bindings = (query.after, *asked.values(), query.limit)
        found = await self._database.scan(lambda connection: connection.execute(statement, bindings).fetchall())
        return [entry_of(row) for row in (reversed(found) if query.newest else found)]

    async def body(self, address: bytes) -> bytes | None:
        """Return the body at `address`; None where there is none."""
        if len(address) < HASHED:
            return address or None
        found = await self._database.read(lambda connection: connection.execute(_BODY, (address,)).fetchall())
        return found[0][0] if found else None


def put(connection: Connection, batch: Batch) -> None:
    """Keep a batch: each body once, with how often it is named."""
    rows = [_row(entry) for entry in batch.entries]
    done = 0
    for size, statement in _ADD.items():
        while len(rows) - done >= size:
            connection.execute(statement, list(chain.from_iterable(rows[done : done + size])))
            done += size
    named = Counter(chain.from_iterable((entry.asked, entry.answered) for entry in batch.entries))
    connection.executemany(_KEEP, ((at, body, named[at]) for at, body in batch.bodies.items()))


def _row(entry: Entry) -> tuple[Value, ...]:
    return (*astuple(entry)[1:-3], _json(entry.chain), _json(entry.decisions), _json(entry.taint))


@lru_cache(maxsize=256)
def _json(parts: tuple[Any, ...]) -> str:
    return msgspec.json.encode(parts).decode() if parts else ""


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Return the entry in a row of `COLUMNS`."""
    *plain, passed, decisions, taint = row
    return Entry(
        **dict(zip(Entry.__struct_fields__, plain, strict=False)),
        chain=_chain.decode(passed) if passed else (),
        decisions=_decisions.decode(decisions) if decisions else (),
        taint=_chain.decode(taint) if taint else (),
    )
