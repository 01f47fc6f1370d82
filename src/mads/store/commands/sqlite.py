"""Commands in a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mads.store.commands.port import WINDOW, Entry, Order, State
from mads.store.database import Database
from mads.store.sqlite import Connection

_COLUMNS = ", ".join(Entry.__struct_fields__)

_FORGET = "DELETE FROM commands WHERE state = 'done' AND since < ?"
_FIRST = "SELECT seq FROM commands WHERE tenant = ? AND sender = ? AND once = ?"
_ADD = """
    INSERT INTO commands (state, tenant, sender, subject, key, band, once, sent, within, since, due, attempt, attempts,
                          why, envelope)
    VALUES ('open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '', ?)
"""
_BEGIN = "UPDATE commands SET attempt = ? WHERE seq = ? AND state = 'open' RETURNING envelope"
_FAIL = """
    UPDATE commands
    SET state = ?, since = ?, due = coalesce(?, due), why = ?, attempt = attempt - ?5, attempts = attempts - ?5
    WHERE seq = ? AND state = 'open'
"""
_REOPEN = f"""
    UPDATE commands SET state = 'open', since = ?1, due = ?1, within = NULL, attempts = attempt + ?2
    WHERE seq = ?3 AND state = 'dead'
    RETURNING {_COLUMNS}
"""  # noqa: S608  names of columns
_REMOVE = "DELETE FROM commands WHERE seq = ? AND state IN ('open', 'dead') AND once IS NULL"
_DONE = "UPDATE commands SET state = 'done', since = ?, envelope = x'' WHERE seq = ? AND state IN ('open', 'dead')"
_ENTRIES = f"SELECT {_COLUMNS} FROM commands WHERE state = ? ORDER BY seq"  # noqa: S608  names of columns
_READ = f"SELECT {_COLUMNS}, envelope FROM commands WHERE seq = ? AND state = ?"  # noqa: S608  names of columns


class SqliteCommands:
    """Keeps commands in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, order: Order) -> tuple[int, bool]:
        """Keep one more command; return its `seq`, or that of the first of its `once`, and whether it is new."""
        it = order
        row = (
            *(it.tenant, it.sender, it.subject, it.key, it.band, it.once),
            *(it.sent, it.within, it.sent, it.due, it.attempts, it.envelope),
        )

        def work(connection: Connection) -> tuple[int, bool]:
            if it.once is not None:
                connection.execute(_FORGET, (it.sent - WINDOW,))
                for (seq,) in connection.execute(_FIRST, (it.tenant, it.sender, it.once)).fetchall():
                    return seq, False
            connection.execute(_ADD, row)
            return connection.last_insert_rowid(), True

        return await self._database.write(work)

    async def begin(self, seq: int, attempt: int) -> bytes | None:
        """Say that `attempt` begins; return the envelope, or None where the command is not open."""
        found = await self._rows(_BEGIN, attempt, seq)
        return found[0][0] if found else None

    async def fail(self, seq: int, *, now: int, why: str, due: int | None, arrived: bool = True) -> None:
        """Say that an open command failed: it is tried again at `due`, or where that is None it is dead."""
        await self._rows(_FAIL, "dead" if due is None else "open", now, due, why, int(not arrived), seq)

    async def reopen(self, seq: int, *, now: int, attempts: int) -> Entry | None:
        """Open a dead command, due `now`, for so many attempts more and without an end; None where it is not dead."""
        found = await self._rows(_REOPEN, now, attempts, seq)
        return _entry(found[0]) if found else None

    async def finish(self, seq: int, *, now: int) -> bool:
        """Say that an open or dead command is done; return whether it was one."""

        def work(connection: Connection) -> bool:
            connection.execute(_REMOVE, (seq,))
            if not connection.changes():
                connection.execute(_DONE, (now, seq))
            return connection.changes() > 0

        return await self._database.write(work)

    async def entries(self, state: State) -> Sequence[Entry]:
        """Return the commands in `state`, by `seq`."""
        found = await self._database.read(lambda connection: connection.execute(_ENTRIES, (state,)).fetchall())
        return [_entry(row) for row in found]

    async def read(self, seq: int, state: State) -> tuple[Entry, bytes] | None:
        """Return a command in `state` with its envelope; None where there is none."""
        found = await self._database.read(lambda connection: connection.execute(_READ, (seq, state)).fetchall())
        return (_entry(found[0][:-1]), found[0][-1]) if found else None

    async def _rows(self, statement: str, *bindings: int | str | None) -> list[tuple[Any, ...]]:
        return await self._database.write(lambda connection: connection.execute(statement, bindings).fetchall())


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(**dict(zip(Entry.__struct_fields__, row, strict=True)))
