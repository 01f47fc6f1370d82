"""Kept rows in a SQLite database."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mads.store.database import Database
from mads.store.port import Row, Scope, Taint, expect, page
from mads.store.sqlite import Connection
from mads.store.sums import sum_of

_FIRST = "SELECT id, type FROM kept WHERE tenant = ? AND mad = ? AND field = ? LIMIT 1"
_ADD = "INSERT INTO kept (tenant, mad, field, type, body, sum, taint) VALUES (?, ?, ?, ?, ?, ?, ?)"
_ROWS = "SELECT id, type, body FROM kept WHERE tenant = ? AND mad = ? AND field = ? AND id > ? ORDER BY id"
_TAINTED = "SELECT id, taint FROM kept WHERE tenant = ? AND mad = ? AND field = ? AND taint <> ''"
_REMOVE = """
    DELETE FROM kept
    WHERE tenant = ? AND mad = ? AND field = ? AND type = ? AND id IN (SELECT value FROM json_each(?))
"""


class SqliteRows:
    """Keeps rows in `database`, and closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, scope: Scope, body: bytes, taint: Taint = ()) -> int:
        """Keep one more row; return its id."""
        whose = (scope.tenant, scope.mad, scope.field, scope.type)
        told = json.dumps(taint) if taint else ""
        kept_sum = sum_of(body, *whose[:3], scope.type + told)

        def work(connection: Connection) -> int:
            for row, kept_as in connection.execute(_FIRST, (scope.tenant, scope.mad, scope.field)):
                expect(scope, row, kept_as)
            connection.execute(_ADD, (*whose, body, kept_sum, told))
            return connection.last_insert_rowid()

        return await self._database.write(work)

    async def rows(self, scope: Scope, *, after: int = 0, size: int | None = None) -> list[Row]:
        """Return the rows with an id above `after`, oldest first: all, or as many as `page` takes to reach `size`."""

        def work(connection: Connection) -> list[Row]:
            with closing(connection.execute(_ROWS, (scope.tenant, scope.mad, scope.field, after))) as found:
                return page(scope, found, size)

        return await self._database.read(work)

    async def tainted(self, scope: Scope) -> dict[int, Taint]:
        """Return the labels of those rows that have any."""

        def work(connection: Connection) -> dict[int, Taint]:
            found = connection.execute(_TAINTED, (scope.tenant, scope.mad, scope.field))
            return {row: tuple(json.loads(taint)) for row, taint in found}

        return await self._database.read(work)

    async def remove(self, scope: Scope, ids: Sequence[int]) -> int:
        """Forget those of the scope's rows that `ids` names; return how many there were."""

        def work(connection: Connection) -> int:
            connection.execute(_REMOVE, (scope.tenant, scope.mad, scope.field, scope.type, json.dumps([*ids])))
            return connection.changes()

        return await self._database.write(work)

    async def close(self) -> None:
        """Finish what was taken and close the database."""
        await self._database.close()


async def open_rows(path: Path) -> SqliteRows:
    """Return the rows kept in the system's database at `path`, made or brought up to date where it has to be."""
    return SqliteRows(await Database.open(path))
