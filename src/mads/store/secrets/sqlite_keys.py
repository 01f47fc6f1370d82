"""The keys of the store of secrets, wrapped, in a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mads.store.database import Database
from mads.store.secrets.port import SealKey
from mads.store.sqlite import Connection
from mads.wire.errors import StoreError

_COLUMNS = "id, wrapped, salt, device, made"
_ALL = f"SELECT {_COLUMNS} FROM secret_keys ORDER BY id"  # noqa: S608  names of columns
_PUT = f"INSERT OR REPLACE INTO secret_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) RETURNING {_COLUMNS}"  # noqa: S608


class SqliteSealKeys:
    """Keeps keys in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keys(self) -> Sequence[SealKey]:
        """Return every key, the oldest first."""
        rows = await self._database.read(lambda connection: connection.execute(_ALL).fetchall())
        return [_key(row) for row in rows]

    async def put(self, key: SealKey) -> SealKey:
        """Keep a key in the place of the one of its `id`, or a new one, where that is 0; return it with its number."""
        row = (key.id or None, key.wrapped, key.salt, key.device, key.made)
        rows = await self._database.write(lambda connection: connection.execute(_PUT, row).fetchall())
        return _key(rows[0])

    async def drop(self, key: int) -> None:
        """Forget a key; raise `StoreError` while a data key is under it."""

        def work(connection: Connection) -> None:
            ((used,),) = connection.execute("SELECT count(*) FROM secrets WHERE sealed = ?", (key,)).fetchall()
            if used:
                raise StoreError(f"{used} secrets are still under key {key}; it stays")
            connection.execute("DELETE FROM secret_keys WHERE id = ?", (key,)).fetchall()

        await self._database.write(work)


def _key(row: tuple[Any, ...]) -> SealKey:
    id_, wrapped, salt, device, made = row
    return SealKey(id=id_, wrapped=wrapped, salt=salt, device=device, made=made)
