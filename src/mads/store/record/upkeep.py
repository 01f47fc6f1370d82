"""What goes from the record of a SQLite database: what has grown old, bit by bit, and what is erased, at once.

A body goes with the last row that names it: the database counts. What goes is overwritten, not only forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mads.store.database import Database
from mads.store.record.capture import Copy
from mads.store.record.conversations import Scope, bodies_of, held
from mads.store.record.sqlite import COLUMNS, entry_of
from mads.store.scrub import fold_soon
from mads.store.sqlite import Connection
from mads.wire.record import HASHED

_HELD = "EXISTS (SELECT 1 FROM holds WHERE holds.tenant = record.tenant AND holds.conversation = record.conversation)"
_PROSE = "(kind IN ('prose', 'model') OR subject = ?3)"
_LEFT = f"(length(asked) + length(answered) > 0) AND NOT {_HELD}"
_STRIPPED = {
    "bodies": f"SELECT seq, at_us FROM record WHERE at_us >= ?1 AND at_us < ?2 AND NOT {_PROSE} AND {_LEFT}",  # noqa: S608
    "prose": f"SELECT seq, at_us FROM record WHERE at_us >= ?1 AND at_us < ?2 AND {_PROSE} AND {_LEFT}",  # noqa: S608
}
_STRIP = f"UPDATE record SET asked = x'', answered = x'' WHERE seq IN (SELECT value FROM json_each(?)) AND NOT {_HELD}"  # noqa: S608
_LONE = "SELECT seq FROM record WHERE at_us < ? AND conversation IS NULL ORDER BY at_us LIMIT ?"
_PAST = f"""
    SELECT DISTINCT tenant, conversation FROM record WHERE at_us < ?1 AND conversation IS NOT NULL AND NOT {_HELD}
    AND NOT EXISTS (
        SELECT 1 FROM record AS later
        WHERE later.conversation = record.conversation AND later.tenant = record.tenant AND later.at_us >= ?1
    )
    LIMIT ?2
"""  # noqa: S608  our own words
_DELETE = "DELETE FROM record WHERE seq IN (SELECT value FROM json_each(?))"
_DROP = f"{_DELETE} AND NOT {_HELD}"
_OF = "SELECT seq FROM record WHERE conversation = ?2 AND tenant = ?1 LIMIT ?3"
_UNLABEL = "DELETE FROM labels WHERE tenant = ? AND conversation = ?"
_ERASED = f"""
    SELECT {COLUMNS} FROM record WHERE conversation = ?2 AND tenant = ?1 OR seq IN (
        SELECT above.seq FROM record AS said JOIN record AS above ON above.id = said.cause
        WHERE said.conversation = ?2 AND said.tenant = ?1 AND said.subject = ?3 AND above.subject = ?3
        AND above.conversation IS NOT ?2
    ) ORDER BY seq
"""  # noqa: S608  names of columns
_SENT = "SELECT seq, envelope FROM commands WHERE state = ?1 AND tenant = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4"
_COPIES = """
    SELECT kind, tenant, conversation, place, author, at_us FROM copies
    WHERE tenant IN ('', ?1) AND conversation IN ('', ?2) AND at_us >= ?3 ORDER BY at_us, kind, place
"""
_BEGIN = "INSERT INTO erasures (tenant, conversation, certificate, done) VALUES (?, ?, ?, 0)"
_CERTIFY = "UPDATE erasures SET certificate = ?2, done = 1 WHERE id = ?1"
_CERTIFICATES = "SELECT id, certificate FROM erasures WHERE (?1 IS NULL OR tenant = ?1) ORDER BY id"
_BELIEVED = """
    SELECT believed_us, ahead_us FROM clock
    UNION ALL SELECT * FROM (SELECT at_us, 0 FROM record ORDER BY seq DESC LIMIT 1)
    LIMIT 1
"""
_BELIEVE = """
    INSERT INTO clock (id, believed_us, ahead_us) VALUES (1, ?, ?)
    ON CONFLICT DO UPDATE SET believed_us = excluded.believed_us, ahead_us = excluded.ahead_us
"""
_BEGUN = "SELECT id, certificate FROM erasures WHERE NOT done ORDER BY id"

BATCH = 500
"""How many rows go at a time: for so long others wait who want to write."""


class Erased(Struct, frozen=True):
    """What went: the ids of the calls and the bodies, in order, the words of failures, how many labels; its first time.

    `copies` are what was handed on, or taken, since then. `number` is that of the certificate, which is to be finished.
    """

    ids: list[str]
    bodies: list[bytes]
    words: list[str]
    labels: int
    copies: list[Copy]
    number: int = 0


class SqliteUpkeep:
    """What goes from the record in `database`; `say` is the subject of the calls in which something is said."""

    def __init__(self, database: Database, say: str) -> None:
        self._database, self._say = database, say

    async def strip(self, kind: str, since_us: int, before_us: int) -> int:
        """Take some bodies from rows that began in that time: of prose, or else of "bodies"; return the last's time.

        0 where there was nothing left to take. What is held keeps what it has.
        """
        found = await self._read(f"{_STRIPPED[kind]} ORDER BY at_us LIMIT {BATCH}", since_us, before_us, self._say)
        await self._erase(_STRIP, [seq for seq, _ in found])
        return max((at_us for _, at_us in found), default=0)

    async def drop(self, before_us: int) -> int:
        """Delete some rows that are older, and those of some conversations that are over for so long; return how many.

        What is held stays.
        """
        rows = [seq for (seq,) in await self._read(_LONE, before_us, BATCH)]
        for scope in await self._read(_PAST, before_us, 50):
            if len(rows) >= BATCH:
                break
            found = await self._read(_OF, *scope, BATCH)
            rows += [seq for (seq,) in found]
            if len(found) < BATCH:
                await self._database.write(partial(_unlabel, scope=scope))
        await self._erase(_DROP, rows)
        return len(rows)

    async def erase(self, scope: Scope, draft: Callable[[Erased], bytes]) -> Erased | str:
        """Delete all of a conversation and keep the `draft` of its certificate; return what went, or why it is held."""

        def work(connection: Connection) -> Erased | str:
            if why := held(connection, scope):
                return why
            entries = [entry_of(row) for row in connection.execute(_ERASED, (*scope, self._say)).fetchall()]
            addresses = list(dict.fromkeys(at for entry in entries for at in (entry.asked, entry.answered) if at))
            bodies = bodies_of(connection, addresses)
            connection.execute(_DELETE, (json.dumps([entry.seq for entry in entries]),)).close()
            connection.execute(_UNLABEL, scope).close()
            labels = connection.changes()
            left = bodies_of(connection, (at for at in addresses if len(at) >= HASHED))
            gone = [bodies[at] for at in addresses if at in bodies and at not in left]
            began = min((entry.at_us for entry in entries), default=0)
            copies = [Copy(*row) for row in connection.execute(_COPIES, (*scope, began)).fetchall()]
            whys = [entry.why for entry in entries if entry.why]
            went = Erased([entry.id for entry in entries], gone, whys, labels, copies)
            connection.execute(_BEGIN, (*scope, draft(went))).close()
            return replace(went, number=connection.last_insert_rowid())

        return await self._database.write(work)

    async def believed(self) -> tuple[int, int] | None:
        """Return what `believe` kept; before it ever did, the time of the row that was written last, if any."""
        return next(((last, lasted) for last, lasted in await self._read(_BELIEVED)), None)

    async def believe(self, now_us: int, lasted_us: int) -> None:
        """Keep what time it is believed to be, and for how long the clock has been ahead of that."""
        await self._database.write(lambda connection: connection.execute(_BELIEVE, (now_us, lasted_us)).close())

    async def fold(self) -> None:
        """Empty the log of the database, in which what was deleted still stands, unless somebody is reading it."""
        await self._database.alone(fold_soon)

    async def commands(self, tenant: str, state: str, fits: Callable[[bytes], bool]) -> list[int]:
        """Return the numbers of those commands of a tenant in a state whose envelope `fits`, which must not raise."""
        found: list[int] = []

        def look(connection: Connection, after: int) -> int:
            last = 0
            for seq, envelope in connection.execute(_SENT, (state, tenant, after, BATCH)):
                last = seq
                if fits(envelope):
                    found.append(seq)
            return last

        last = await self._database.scan(partial(look, after=0))
        while last:
            last = await self._database.scan(partial(look, after=last))
        return found

    async def certify(self, number: int, certificate: bytes) -> None:
        """Keep a certificate in the place of its draft."""
        await self._database.write(lambda connection: connection.execute(_CERTIFY, (number, certificate)).close())

    async def begun(self) -> list[tuple[int, bytes]]:
        """Return the drafts of those that were never finished, with their numbers."""
        return [(int(number), bytes(draft)) for number, draft in await self._read(_BEGUN)]

    async def certificates(self, tenant: str | None) -> list[tuple[int, bytes]]:
        """Return the certificates of one tenant, or of all, with their numbers."""
        return await self._database.scan(
            lambda connection: [
                (int(row[0]), bytes(row[1])) for row in connection.execute(_CERTIFICATES, (tenant,)).fetchall()
            ]
        )

    async def _erase(self, statement: str, rows: list[int]) -> None:
        if rows:
            await self._database.write(lambda connection: connection.execute(statement, (json.dumps(rows),)).close())

    async def _read(self, statement: str, *bindings: int | str | None) -> list[tuple[Any, ...]]:
        return await self._database.scan(lambda connection: connection.execute(statement, bindings).fetchall())


def _unlabel(connection: Connection, scope: Scope) -> None:
    connection.execute(_UNLABEL, scope).close()
