"""The audit in a SQLite database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from time import time
from typing import Any

from msgspec.structs import astuple

from mads.store.audit.port import (
    SHOWN,
    Event,
    Head,
    Row,
    Which,
    broken,
    cut_at,
    cut_event,
    linked,
    open_doubts,
    refuse_doubtful,
)
from mads.store.database import Database
from mads.store.sqlite import Connection

_COLUMNS = "seq, at, kind, principal, tenant, chain, subject, allowed, rule, revision, request, trace, hash"
_ADD = f"INSERT INTO audit ({_COLUMNS}) VALUES ({', '.join('?' * 13)})"  # noqa: S608  names of columns
_HEAD = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
_NUMBERED = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'"
_BEHIND = f"SELECT {_COLUMNS} FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq"  # noqa: S608  names of columns
_CUTS = f"SELECT {_COLUMNS} FROM audit WHERE kind = 'cut' ORDER BY seq DESC LIMIT 1"  # noqa: S608  names of columns
_NOT_BEFORE = "SELECT seq FROM audit WHERE at >= ? ORDER BY seq LIMIT 1"
_UP_TO = "SELECT seq, hash FROM audit WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
_GONE = "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE seq <= ? ORDER BY seq LIMIT 500)"
_LAST_SEQ = 2**63 - 1
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
        return await self._database.write(lambda connection: self._added(connection, events))

    async def last(self, which: Which, limit: int) -> Sequence[Row]:
        """Return the last `limit` of `which` rows, oldest first."""
        asked = (*astuple(which), limit)
        found = await self._database.read(lambda connection: connection.execute(_LAST, asked).fetchall())
        return [_row(row) for row in reversed(found)]

    async def verify(self, head: Head, *, latest: int | None = None) -> Sequence[str]:
        """Return what is wrong, in words, a line each, where rows up to `head` have to be there; at most `SHOWN`.

        Where `latest` is given, of the last so many rows, and without what somebody has accepted.
        """

        def work(connection: Connection) -> list[str]:
            if latest is None:
                return [line for line, _ in islice(self._broken(connection, head, _gone(connection)), SHOWN)]
            start = _up_to(connection, _head(connection).seq - latest)
            return open_doubts(self._broken(connection, head, start if start.seq else _gone(connection)))

        return await self._database.scan(work)

    async def cut(self, before: int) -> Head | None:
        """Take one step to be rid of the rows from before `before`; return the last row, None where no step is left.

        Raises `StoreError` where one of them is not as it was written, and nobody has accepted that.
        """

        def old(connection: Connection) -> Head:
            behind = connection.execute(_NOT_BEFORE, (before,)).fetchall()
            last = _up_to(connection, behind[0][0] - 1 if behind else _LAST_SEQ)
            if last.seq and last.seq > (gone := _gone(connection)).seq:
                refuse_doubtful(open_doubts(self._broken(connection, last, gone)))
            return last

        def work(connection: Connection) -> Head | None:
            gone = _gone(connection)
            if last.seq > gone.seq:
                return self._added(connection, [cut_event(last, int(time() * 1_000_000))])
            connection.execute(_GONE, (gone.seq,))
            return _head(connection)

        last = await self._database.scan(old)
        return await self._database.write(work) if last.seq else None

    async def head(self) -> Head:
        """Return the last row there is."""
        return await self._database.read(_head)

    def _added(self, connection: Connection, events: Sequence[Event]) -> Head:
        head = _head(connection)
        ((seq,),) = connection.execute(_NUMBERED).fetchall() or ((0,),)
        rows: list[tuple[Any, ...]] = []
        hash_ = head.hash
        for seq, event in enumerate(events, max(seq, head.seq) + 1):  # noqa: B020  goes on from the last number
            hash_ = linked(self._key, hash_, seq, event)
            rows.append((seq, *astuple(event), hash_))
        connection.executemany(_ADD, rows)
        return _head(connection)

    def _broken(self, connection: Connection, head: Head, after: Head) -> Iterator[tuple[str, bool]]:
        rows = connection.execute(_BEHIND, (after.seq, _LAST_SEQ))
        return broken(map(_row, rows), self._key, head, after)


def _head(connection: Connection) -> Head:
    found = connection.execute(_HEAD).fetchall()
    return Head(*found[0]) if found else Head()


def _up_to(connection: Connection, seq: int) -> Head:
    found = connection.execute(_UP_TO, (seq,)).fetchall()
    return Head(*found[0]) if found else Head()


def _gone(connection: Connection) -> Head:
    """Return the last of the rows of which it is said that they went by age."""
    cuts = connection.execute(_CUTS).fetchall()
    return cut_at(_row(cuts[0]).event) if cuts else Head()


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
