"""Conversations in the record of a SQLite database: who took part, what was said, how it came out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from mads.store.database import Database
from mads.store.record.sqlite import COLUMNS, entry_of
from mads.store.sqlite import Connection
from mads.wire.record import HASHED, Entry

Scope = tuple[str, str]
"""A tenant, and a conversation of its."""

_OUTLINES = """
    SELECT tenant, conversation, count(*), min(at_us), max(at_us) FROM record
    WHERE conversation IS NOT NULL AND (?1 IS NULL OR tenant = ?1)
    GROUP BY tenant, conversation HAVING max(at_us) >= ?2 ORDER BY max(at_us), tenant, conversation
"""
_PARTS = """
    SELECT DISTINCT mad, chain, principal, subject = ?3 AND outcome = 'ok' FROM record
    WHERE conversation = ?2 AND tenant = ?1 AND kind <> 'refused'
"""
_LABELS = """
    SELECT label, count(*) FROM record JOIN labelled USING (seq) WHERE conversation = ?2 AND tenant = ?1
    GROUP BY label ORDER BY label
"""
_COUNT = "SELECT count(*) FROM record WHERE conversation = ?2 AND tenant = ?1"
_TURNS = f"""
    SELECT {COLUMNS}, label FROM record JOIN labelled USING (seq) WHERE conversation = ?2 AND tenant = ?1
    ORDER BY iif(steady_us > 0, steady_us, at_us) DESC, took_us, id DESC, mad DESC, attempt DESC LIMIT ?3
"""  # noqa: S608  names of columns
_BODY = "SELECT body FROM bodies WHERE address = ?"
_LABEL = """
    INSERT INTO labels (tenant, conversation, call, mad, attempt, label, author, at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET label = excluded.label, author = excluded.author, at_us = excluded.at_us
"""
_HELD = "SELECT why FROM holds WHERE tenant = ? AND conversation = ?"
_HOLD = """
    INSERT INTO holds (tenant, conversation, why, author, at_us) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET why = excluded.why, author = excluded.author, at_us = excluded.at_us
"""
_RELEASE = "DELETE FROM holds WHERE tenant = ? AND conversation = ?"


_chain = msgspec.json.Decoder(list[str])


class Outline(Struct, frozen=True):
    """A conversation at a glance: who took part, as they stand in its rows, and how its turns came out."""

    tenant: str
    id: str
    rows: int
    first_us: int
    last_us: int
    mads: frozenset[str]
    people: frozenset[str]
    labels: dict[str, int]
    held: str


class SqliteConversations:
    """The conversations in `database`; `say` is the subject of the calls in which something is said."""

    def __init__(self, database: Database, say: str) -> None:
        self._database, self._say = database, say

    async def outlines(self, tenant: str | None, since_us: int) -> list[Outline]:
        """Return those that went on at `since_us` or later, of one tenant or of all, the last one last."""

        def work(connection: Connection) -> list[Outline]:
            found = connection.execute(_OUTLINES, (tenant, since_us)).fetchall()
            return [self._outline(connection, (row[0], row[1]), *row[2:]) for row in found]

        return await self._database.scan(work)

    async def parts(self, scope: Scope) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the MADs and the people who took part; None where there is no such conversation."""

        def work(connection: Connection) -> tuple[frozenset[str], frozenset[str]] | None:
            return self._parts(connection, scope) if next(iter(connection.execute(_COUNT, scope)))[0] else None

        return await self._database.scan(work)

    async def turns(self, scope: Scope, limit: int) -> tuple[int, list[tuple[Entry, str]]]:
        """Return how many rows there are, and the last `limit` of them with their labels, in order."""

        def work(connection: Connection) -> tuple[int, list[tuple[Entry, str]]]:
            ((count,),) = connection.execute(_COUNT, scope).fetchall()
            rows = connection.execute(_TURNS, (*scope, limit)).fetchall()
            return count, [(entry_of(row[:-1]), row[-1]) for row in reversed(rows)]

        return await self._database.scan(work)

    async def bodies(self, entries: Iterable[Entry]) -> dict[bytes, bytes]:
        """Return the bodies of `entries` by address, but for those that are gone."""
        wanted = {address for entry in entries for address in (entry.asked, entry.answered)}
        return await self._database.scan(lambda connection: bodies_of(connection, wanted))

    async def label(self, scope: Scope, row: tuple[str, str, int], label: str, author: str, at_us: int) -> None:
        """Say how a row came out, by the call's id, its MAD and attempt; or with ("", "", 0) the whole conversation."""
        await self._write(_LABEL, *scope, *row, label, author, at_us)

    async def hold(self, scope: Scope, why: str, author: str, at_us: int) -> None:
        """Keep a conversation from being erased."""
        await self._write(_HOLD, *scope, why, author, at_us)

    async def release(self, scope: Scope) -> None:
        """Let it be erased again."""
        await self._write(_RELEASE, *scope)

    async def _write(self, statement: str, *bindings: Any) -> None:
        await self._database.write(lambda connection: connection.execute(statement, bindings).close())

    def _outline(self, connection: Connection, scope: Scope, rows: int, first_us: int, last_us: int) -> Outline:
        mads, people = self._parts(connection, scope)
        labels = dict(connection.execute(_LABELS, scope).fetchall())
        return Outline(*scope, rows, first_us, last_us, mads, people, labels, held(connection, scope))

    def _parts(self, connection: Connection, scope: Scope) -> tuple[frozenset[str], frozenset[str]]:
        mads: set[str] = set()
        people: set[str] = set()
        for mad, chain, principal, said in connection.execute(_PARTS, (*scope, self._say)).fetchall():
            through = [one for one in _chain.decode(chain or "[]") if one != "steward"]
            mads.add(mad)
            if not through:
                people.add(principal)
            elif said:
                mads.add(through[-1])
        return frozenset(mads - {""}), frozenset(people)


def bodies_of(connection: Connection, addresses: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the bodies at `addresses`, but for those that are gone."""
    found: dict[bytes, bytes] = {}
    for address in addresses:
        if len(address) >= HASHED:
            for (body,) in connection.execute(_BODY, (address,)).fetchall():
                found[address] = body
        elif address:
            found[address] = address
    return found


def held(connection: Connection, scope: Scope) -> str:
    """Return why a conversation may not be erased; "" where it may."""
    return next((why for (why,) in connection.execute(_HELD, scope).fetchall()), "")
