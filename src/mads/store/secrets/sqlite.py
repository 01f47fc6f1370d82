"""Secrets, as envelopes, in a SQLite database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from mads.store.database import Database
from mads.store.secrets.port import Envelope, Wanted
from mads.store.sqlite import Connection

_COLUMNS = "tenant, path, version, sealed, wrapped, body, made, expires, ends, hosts, marks"
_ADD = f"INSERT INTO secrets ({_COLUMNS}) VALUES ({', '.join('?' * 11)})"  # noqa: S608  names of columns
_NEWEST = "SELECT coalesce(max(version), 0) FROM secrets WHERE tenant = ? AND path = ?"
_FIND = f"SELECT {_COLUMNS} FROM secrets WHERE tenant = ? AND path = ? AND version = ?"  # noqa: S608  as above
_FIND_NEWEST = f"""
    SELECT {_COLUMNS} FROM secrets WHERE tenant = ? AND path = ? ORDER BY version DESC LIMIT 1
"""  # noqa: S608  as above
_ENDS = """
    UPDATE secrets SET ends = min(coalesce(ends, ?1), ?1) WHERE tenant = ?2 AND path = ?3 AND version = ?4
"""
_FORGET = "DELETE FROM secrets WHERE tenant = ? AND path = ? AND ends <= ? AND version < ?"
_LISTED = """
    SELECT tenant, path, max(version), sealed, x'', x'', made, expires, ends, hosts, marks FROM secrets
    GROUP BY tenant, path HAVING length(wrapped) > 0 ORDER BY tenant, path
"""
_LISTED_ALL = """
    SELECT tenant, path, version, sealed, x'', x'', made, expires, ends, hosts, marks FROM secrets
    WHERE length(wrapped) > 0 ORDER BY tenant, path, version
"""
_OLDER = "DELETE FROM secrets WHERE tenant = ? AND path = ? AND version < ?"
_EMPTY = """
    UPDATE secrets SET wrapped = x'', body = x'', marks = x'', hosts = '[]', ends = ?, expires = NULL
    WHERE tenant = ? AND path = ? AND version = ? AND length(wrapped) > 0
"""
_TAKE = "DELETE FROM secrets WHERE tenant = ? AND path = ?"
_UNDER = f"SELECT rowid, {_COLUMNS} FROM secrets WHERE sealed <> ? LIMIT ?"  # noqa: S608  as above
_REWRAP = "UPDATE secrets SET sealed = ?, wrapped = ? WHERE rowid = ?"


DAMAGED = "?"
"""Stands for hosts that cannot be read: nothing goes there, and nothing was sealed for it."""


class SqliteSecrets:
    """Keeps envelopes in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, envelope: Envelope, *, ends: int, now: int) -> bool:
        """Keep the next version; return whether it was the next one, else nothing is kept."""
        it = envelope

        def work(connection: Connection) -> bool:
            ((newest,),) = connection.execute(_NEWEST, (it.tenant, it.path)).fetchall()
            if it.version != newest + 1:
                return False
            connection.execute(_ENDS, (ends, it.tenant, it.path, newest)).fetchall()
            connection.execute(_FORGET, (it.tenant, it.path, now, it.version)).fetchall()
            row = (it.tenant, it.path, it.version, it.sealed, it.wrapped, it.body, it.made, it.expires, it.ends)
            connection.execute(_ADD, (*row, json.dumps(it.hosts), it.marks)).fetchall()
            return True

        return await self._database.write(work)

    async def find(self, wanted: Sequence[Wanted]) -> Sequence[Envelope | None]:
        """Return each of `wanted`."""

        def work(connection: Connection) -> list[Envelope | None]:
            return [_found(connection, *one) for one in wanted]

        return await self._database.read(work)

    async def listed(self, *, older: bool = False) -> Sequence[Envelope]:
        """Return the newest version of each path, or all of them, without body and key."""
        query = _LISTED_ALL if older else _LISTED
        rows = await self._database.scan(lambda connection: connection.execute(query).fetchall())
        return [_envelope(row) for row in rows]

    async def drop(self, tenant: str, path: str, *, now: int) -> bool:
        """Forget every version but the number of the newest; return whether there was anything to forget."""

        def work(connection: Connection) -> bool:
            ((newest,),) = connection.execute(_NEWEST, (tenant, path)).fetchall()
            connection.execute(_OLDER, (tenant, path, newest)).fetchall()
            connection.execute(_EMPTY, (now, tenant, path, newest)).fetchall()
            return connection.changes() > 0

        return await self._database.write(work)

    async def take(self, tenant: str, path: str) -> Envelope | None:
        """Return the newest version and forget all of it."""

        def work(connection: Connection) -> Envelope | None:
            found = _found(connection, tenant, path, None)
            connection.execute(_TAKE, (tenant, path)).fetchall()
            return found

        return await self._database.write(work)

    async def rewrap(self, sealed: int, wrap: Callable[[Envelope], bytes], limit: int) -> int:
        """Wrap up to `limit` data keys, that are under another key, under the key `sealed`; return how many."""

        def work(connection: Connection) -> int:
            rows = connection.execute(_UNDER, (sealed, limit)).fetchall()
            envelopes = [(rowid, _envelope(row)) for rowid, *row in rows]
            changed = [(sealed, wrap(it) if it.wrapped else b"", rowid) for rowid, it in envelopes]
            connection.executemany(_REWRAP, changed)
            return len(changed)

        return await self._database.write(work)


def _found(connection: Connection, tenant: str, path: str, version: int | None) -> Envelope | None:
    if version is None:
        rows = connection.execute(_FIND_NEWEST, (tenant, path)).fetchall()
    else:
        rows = connection.execute(_FIND, (tenant, path, version)).fetchall()
    return _envelope(rows[0]) if rows else None


def _envelope(row: Sequence[Any]) -> Envelope:
    tenant, path, version, sealed, wrapped, body, made, expires, ends, hosts, marks = row
    return Envelope(
        tenant=tenant,
        path=path,
        version=version,
        sealed=sealed,
        wrapped=wrapped,
        body=body,
        made=made,
        expires=expires,
        ends=ends,
        hosts=_hosts(hosts),
        marks=marks,
    )


def _hosts(written: str) -> tuple[str, ...]:
    """Return the hosts of an envelope; what was damaged is none of them, so that just this envelope does not open."""
    try:
        return msgspec.json.decode(written, type=tuple[str, ...])
    except (msgspec.DecodeError, UnicodeError):
        return (DAMAGED,)
