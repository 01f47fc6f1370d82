"""Commands and their steps in a SQLite database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec.structs import astuple

from mads.store.commands.port import WINDOW, Added, Entry, Finished, Order, State, Step
from mads.store.database import Database
from mads.store.port import Taint
from mads.store.sqlite import Connection, Value
from mads.store.sums import sum_of

_COLUMNS = ", ".join(Entry.__struct_fields__)

_FORGET = "DELETE FROM commands WHERE state = 'done' AND since < ?"
_FIRST = "SELECT seq FROM commands WHERE tenant = ? AND sender = ? AND once = ?"
_ADD = """
    INSERT INTO commands (state, attempt, why, tenant, sender, subject, key, band, once, sent, due, within, attempts,
                          envelope, since, sum)
    VALUES """
_ROW = "('open', 0, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TOGETHER = (64, 8, 1)
"""How many rows one statement adds: few statements for many rows, and few forms of it for SQLite to remember."""
_ADDS = {count: _ADD + ", ".join([_ROW] * count) for count in _TOGETHER}
_BEGIN = """
    UPDATE commands SET attempt = attempt + 1 WHERE seq IN (SELECT value FROM json_each(?)) AND state = 'open'
    RETURNING seq, envelope
"""
_FAIL = """
    UPDATE commands
    SET state = ?1, since = ?2, due = coalesce(?3, due), why = ?4, attempt = attempt - ?5, attempts = attempts - ?5 + ?6
    WHERE seq = ?7 AND state = 'open'
"""
_REOPEN = f"""
    UPDATE commands SET state = 'open', since = ?1, due = ?1, within = NULL, attempts = attempt + ?2
    WHERE seq = ?3 AND state = 'dead'
    RETURNING {_COLUMNS}
"""  # noqa: S608  names of columns
_REMOVE = """
    DELETE FROM commands
    WHERE seq IN (SELECT value FROM json_each(?)) AND state IN ('open', 'dead') AND once IS NULL
"""
_DONE = """
    UPDATE commands SET state = 'done', since = ?2, envelope = x''
    WHERE seq IN (SELECT value FROM json_each(?1)) AND state IN ('open', 'dead') AND once IS NOT NULL
"""
_SETTLE = "DELETE FROM steps WHERE command IN (SELECT value FROM json_each(?))"
_KEEP = """
    INSERT INTO steps (command, name, work, version, result, taint)
    SELECT column1, column3, column4, column5, column6, column7 FROM (VALUES {})
    JOIN commands ON seq = column1 AND attempt = column2 WHERE state = 'open'
    ON CONFLICT DO UPDATE SET name = name
    RETURNING command, name
"""
_KEEPS = {count: _KEEP.format(", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * count)) for count in _TOGETHER}
_FINISHED = "SELECT name, work, version FROM steps WHERE command = ? ORDER BY name"
_RESULT = "SELECT result, taint FROM steps WHERE command = ? AND name = ?"
_ENTRIES = f"SELECT {_COLUMNS} FROM commands WHERE state = ? ORDER BY seq"  # noqa: S608  names of columns
_READ = f"SELECT {_COLUMNS}, envelope FROM commands WHERE seq = ? AND state = ?"  # noqa: S608  names of columns


class SqliteCommands:
    """Keeps commands and their steps in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, orders: Sequence[Order]) -> Sequence[Added]:
        """Keep more commands, all or none, numbered in their order."""

        def work(connection: Connection) -> list[Added]:
            added: list[Added] = []
            for alike, group in groupby(orders, key=_is_new):
                together = list(group)
                added += _add(connection, together) if alike else [_once(connection, order) for order in together]
            return added

        return await self._database.write(work)

    async def begin(self, seqs: Sequence[int]) -> Mapping[int, bytes]:
        """Say that the next attempt of each begins; return the envelopes of those that are open, by `seq`."""
        return dict(await self._rows(_BEGIN, json.dumps(seqs)))

    async def fail(self, seq: int, *, now: int, why: str, due: int | None, arrived: bool = True, more: int = 0) -> None:
        """Say that an open command failed: it is tried again at `due`, or where that is None it is dead."""
        await self._rows(_FAIL, "dead" if due is None else "open", now, due, why, int(not arrived), more, seq)

    async def reopen(self, seq: int, *, now: int, attempts: int) -> Entry | None:
        """Open a dead command, due `now`, for so many attempts more and without an end; None where it is not dead."""
        found = await self._rows(_REOPEN, now, attempts, seq)
        return _entry(found[0]) if found else None

    async def finish(self, seqs: Sequence[int], *, now: int) -> int:
        """Say that open or dead commands are done; return how many of them there were."""

        def work(connection: Connection) -> int:
            named = json.dumps(seqs)
            connection.execute(_REMOVE, (named,))
            count = connection.changes()
            connection.execute(_DONE, (named, now))
            count += connection.changes()
            connection.execute(_SETTLE, (named,))
            return count

        return await self._database.write(work)

    async def entries(self, state: State) -> Sequence[Entry]:
        """Return the commands in `state`, by `seq`."""
        found = await self._database.read(lambda connection: connection.execute(_ENTRIES, (state,)).fetchall())
        return [_entry(row) for row in found]

    async def read(self, seq: int, state: State) -> tuple[Entry, bytes] | None:
        """Return a command in `state` with its envelope; None where there is none."""
        found = await self._database.read(lambda connection: connection.execute(_READ, (seq, state)).fetchall())
        return (_entry(found[0][:-1]), found[0][-1]) if found else None

    async def keep(self, steps: Sequence[Step]) -> Sequence[bool]:
        """Keep finished steps, the first of each name; return of each whether its attempt still counts."""

        def work(connection: Connection) -> list[bool]:
            left, count = list(steps), list[bool]()
            for size in _TOGETHER:
                while len(left) >= size:
                    values = [value for step in left[:size] for value in _values(step)]
                    kept = set(connection.execute(_KEEPS[size], values).fetchall())
                    count += ((step.command, step.name) in kept for step in left[:size])
                    del left[:size]
            return count

        return await self._database.write(work)

    async def finished(self, command: int) -> Sequence[Finished]:
        """Return the finished steps of an open or dead command, by name."""
        found = await self._database.read(lambda connection: connection.execute(_FINISHED, (command,)).fetchall())
        return [Finished(*row) for row in found]

    async def result(self, command: int, name: str) -> tuple[bytes, Taint] | None:
        """Return the result of a finished step, and its taint; None where there is none."""
        found = await self._database.read(lambda connection: connection.execute(_RESULT, (command, name)).fetchall())
        if not found:
            return None
        ((result, taint),) = found
        return result, tuple(json.loads(taint)) if taint else ()

    async def _rows(self, statement: str, *bindings: int | str | None) -> list[tuple[Any, ...]]:
        return await self._database.write(lambda connection: connection.execute(statement, bindings).fetchall())


def _values(step: Step) -> tuple[Value, ...]:
    return (*astuple(step)[:-1], json.dumps(step.taint) if step.taint else "")


def _is_new(order: Order) -> bool:
    return order.once is None


def _add(connection: Connection, orders: Sequence[Order]) -> list[Added]:
    """Add `orders` in few statements: SQLite numbers the rows of one in their order, without a gap."""
    added: list[Added] = []
    for count in _TOGETHER:
        while len(orders) - len(added) >= count:
            values: list[Value] = []
            for it in orders[len(added) : len(added) + count]:
                values.extend((*astuple(it), it.sent, sum_of(it.envelope, it.tenant, it.sender, it.subject, it.key)))
            connection.execute(_ADDS[count], values)
            last = connection.last_insert_rowid()
            added += ((seq, True) for seq in range(last - count + 1, last + 1))
    return added


def _once(connection: Connection, order: Order) -> Added:
    connection.execute(_FORGET, (order.sent - WINDOW,))
    for (seq,) in connection.execute(_FIRST, (order.tenant, order.sender, order.once)).fetchall():
        return seq, False
    return _add(connection, [order])[0]


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(*row)
