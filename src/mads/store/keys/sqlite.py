"""API keys in a SQLite database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mads.store.database import Database
from mads.store.keys.port import Key, Terms, sooner
from mads.store.sqlite import Connection

_COLUMNS = "id, digest, revoked, replaces, principal, tenant, roles, scopes, made, expires"

_ADD = f"""
    INSERT INTO keys (digest, replaces, principal, tenant, roles, scopes, made, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    RETURNING {_COLUMNS}
"""  # noqa: S608  names of columns
_VALID = f"SELECT {_COLUMNS} FROM keys WHERE id = ? AND revoked IS NULL"  # noqa: S608  names of columns
_END = "UPDATE keys SET expires = ? WHERE id = ?"
_REVOKE = f"UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL RETURNING {_COLUMNS}"  # noqa: S608  as above
_ALL = f"SELECT {_COLUMNS} FROM keys ORDER BY id"  # noqa: S608  names of columns


class SqliteKeys:
    """Keeps keys in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, digest: bytes, terms: Terms) -> Key:
        """Keep one more key; raise `StoreError` where there is one of that digest."""
        return await self._database.write(lambda connection: _added(connection, digest, terms, None))

    async def replace(self, old: int, digest: bytes, terms: Terms, *, until: int) -> tuple[Key, Key] | None:
        """Keep a key in the place of another, which ends at `until` if not before; return the old one and the new."""

        def work(connection: Connection) -> tuple[Key, Key] | None:
            if not (found := connection.execute(_VALID, (old,)).fetchall()):
                return None
            new = _added(connection, digest, terms, old)
            ends = sooner(_key(found[0]).terms.expires, until)
            connection.execute(_END, (ends, old))
            return _key((*found[0][:-1], ends)), new

        return await self._database.write(work)

    async def revoke(self, key: int, *, now: int) -> Key | None:
        """Say that a key is revoked, and return it as it then is; None where there is none that is not revoked yet."""
        found = await self._database.write(lambda connection: connection.execute(_REVOKE, (now, key)).fetchall())
        return _key(found[0]) if found else None

    async def all(self) -> Sequence[Key]:
        """Return every key, by `id`."""
        found = await self._database.read(lambda connection: connection.execute(_ALL).fetchall())
        return [_key(row) for row in found]


def _added(connection: Connection, digest: bytes, terms: Terms, replaces: int | None) -> Key:
    it = terms
    row = (digest, replaces, it.principal, it.tenant, json.dumps(it.roles), json.dumps(it.scopes), it.made, it.expires)
    return _key(connection.execute(_ADD, row).fetchall()[0])


def _key(row: tuple[Any, ...]) -> Key:
    id_, digest, revoked, replaces, principal, tenant, roles, scopes, made, expires = row
    terms = Terms(
        principal=principal,
        tenant=tenant,
        roles=tuple(json.loads(roles)),
        scopes=tuple(json.loads(scopes)),
        made=made,
        expires=expires,
    )
    return Key(id=id_, digest=digest, terms=terms, revoked=revoked, replaces=replaces)
