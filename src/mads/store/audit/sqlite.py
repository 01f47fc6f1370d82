"""The audit in a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from msgspec.structs import astuple

from mads.store.audit.port import SHOWN, Event, Head, Row, Which, broken, linked
from mads.store.database import Database
from mads.store.sqlite import Connection

_COLUMNS = "seq, at, kind, principal, tenant, chain, subject, allowed, rule, revision, request, trace, hash"
_ADD = f"INSERT INTO audit ({_COLUMNS}) VALUES ({', '.join('?' * 13)})"  # noqa: S608  names of columns
_HEAD = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
_NUMBERED = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'"
_ALL = f"SELECT {_COLUMNS} FROM audit ORDER BY seq"  # noqa: S608  names of columns
_LAST = f"""
    SELECT {_COLUMNS} FROM audit
    WHERE (?1 = '' OR tenant = ?1) AND (?2 = '' OR principal = ?2) AND (?3 = '' OR request = ?3)
        AND (?4 = '' OR trace = ?4) AND (NOT ?5 OR NOT allowed)
    ORDER BY seq DESC LIMIT ?6
"""  # noqa: S608  names of columns


class SqliteAudit:
    """Keeps rows in `database`, which somebody else closes, bound by `key`."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database, self._key = database, key

    async def add(self, events: Sequence[Event]) -> Head:
        """Add a row for each of `events`; return the last."""

        def work(connection: Connection) -> Head:
            head = _head(connection)
            ((seq,),) = connection.execute(_NUMBERED).fetchall() or ((0,),)
            rows: list[tuple[Any, ...]] = []
            hash_ = head.hash
            for seq, event in enumerate(events, max(seq, head.seq) + 1):  # noqa: B020  goes on from the last number
                hash_ = linked(self._key, hash_, seq, event)
                rows.append((seq, *astuple(event), hash_))
            connection.executemany(_ADD, rows)
            return _head(connection)

        return await self._database.write(work)

    async def last(self, which: Which, limit: int) -> Sequence[Row]:
        """Return the last `limit` of `which` rows, oldest first."""
        asked = (*astuple(which), limit)
        found = await self._database.read(lambda connection: connection.execute(_LAST, asked).fetchall())
        return [_row(row) for row in reversed(found)]

    async def verify(self, head: Head) -> Sequence[str]:
        """Return what is wrong, in words, a line each, where rows up to `head` have to be there; at most `SHOWN`."""

        def work(connection: Connection) -> list[str]:
            return list(islice(broken(map(_row, connection.execute(_ALL)), self._key, head), SHOWN))

        return await self._database.scan(work)

    async def head(self) -> Head:
        """Return the last row there is."""
        return await self._database.read(_head)


def _head(connection: Connection) -> Head:
    found = connection.execute(_HEAD).fetchall()
    return Head(*found[0]) if found else Head()


def _row(row: tuple[Any, ...]) -> Row:
    seq, at, kind, principal, tenant, chain, subject, allowed, rule, revision, request, trace, hash_ = row
    event = Event(
        at=at,
        kind=kind,
        principal=principal,
        tenant=tenant,
        chain=chain,
        subject=subject,
        allowed=bool(allowed),
        rule=rule,
        revision=revision,
        request=request,
        trace=trace,
    )
    return Row(seq, event, hash_)
