"""Erase a conversation so that nothing of it is left, look for it in every file, and say so in a certificate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from mads.host.commands.envelope import opened
from mads.host.history.transcript import time_of
from mads.observe.forget import forget
from mads.observe.redact import leaves
from mads.store.commands.port import Commands
from mads.store.database import Database
from mads.store.record.capture import Copy
from mads.store.record.conversations import Scope
from mads.store.record.upkeep import Erased, SqliteUpkeep
from mads.store.scrub import fold, living, rebuild, search
from mads.wire import codec
from mads.wire.conversation import Certificate
from mads.wire.errors import InvalidMessage, Reject, StoreError

SHORTEST, LONGEST = 8, 48
"""How many bytes a piece has by which a text is looked for: of a shorter text nobody can say whose it is."""

SOUGHT = 256
"""How many pieces are looked for; where there are more, the database is written anew whatever is found."""


class Search(Struct, frozen=True):
    """What was looked for, how much of it was found, how much belongs to others, in which files, in which tables."""

    searched: int
    found: int
    elsewhere: int
    places: tuple[str, ...]
    within: tuple[str, ...]
    rewritten: bool


class Eraser:
    """Erases from `database`, and from the commands in it that were given up.

    `beyond` says where else things go that happen here, out of its reach.
    """

    def __init__(
        self, database: Database, upkeep: SqliteUpkeep, commands: Commands, beyond: Sequence[str] = ()
    ) -> None:
        self._database, self._upkeep, self._commands, self._beyond = database, upkeep, commands, beyond
        self._tasks: set[asyncio.Task[Certificate]] = set()

    async def erase(self, scope: Scope, *, by: str, at: datetime) -> Certificate:
        """Erase a conversation; raise `Reject` where it is held, or commands of it are still to be done.

        What was begun is carried out, whatever becomes of whoever asked for it.
        """
        task = asyncio.create_task(self._erase(scope, by, at))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def resume(self) -> None:
        """Carry out what was begun before a crash: the database is written anew, for nobody knows what to look for."""
        for number, draft in await self._upkeep.begun():
            it = msgspec.json.decode(draft, type=Certificate)
            dead, lines = await self._cleared((it.tenant, it.conversation), it.at)
            await self._database.alone(rebuild)
            whole = msgspec.structs.replace(it, id=number, commands=dead, lines=lines, rewritten=True)
            await self._upkeep.certify(number, msgspec.json.encode(whole))

    def _ended(self, task: asyncio.Task[Certificate]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreError):  # whoever asked for it may have left
            structlog.get_logger().error("an erasure came to no end; it goes on at the next start", why=str(error))

    async def _erase(self, scope: Scope, by: str, at: datetime) -> Certificate:
        if still := await self._of(scope, "open"):
            raise Reject(
                f"{len(still)} commands of conversation {scope[1]} are still to be done; "
                "erase it once they are, or were given up (mads dead list)"
            )
        gone = await self._upkeep.erase(scope, lambda gone: msgspec.json.encode(self._draft(scope, by, at, gone)))
        if isinstance(gone, str):
            named = scope[1] if scope[0] == "default" else f"{scope[1]} --tenant {scope[0]}"
            raise Reject(
                f"conversation {scope[1]} is held: {gone}; release it first: mads conversations release {named}"
            )
        dead, lines = await self._cleared(scope, at)
        seen = await self._verified(gone)
        certificate = msgspec.structs.replace(
            self._draft(scope, by, at, gone), id=gone.number, commands=dead, lines=lines, **msgspec.structs.asdict(seen)
        )
        await self._upkeep.certify(gone.number, msgspec.json.encode(certificate))
        return certificate

    async def _cleared(self, scope: Scope, at: datetime) -> tuple[int, int]:
        """Take away what there is of a conversation beside its rows: dead letters, and lines of the log; count them."""
        dead = await self._of(scope, "dead")
        await self._commands.finish(dead, now=round(at.timestamp() * 1000))
        return len(dead), await asyncio.to_thread(forget, self._database.path.parent, *scope)

    def _draft(self, scope: Scope, by: str, at: datetime, gone: Erased) -> Certificate:
        return Certificate(
            id=0,
            conversation=scope[1],
            tenant=scope[0],
            at=at,
            by=by,
            rows=len(gone.ids),
            bodies=len(gone.bodies),
            labels=gone.labels,
            commands=0,
            lines=0,
            ids=_digest(id_.encode() for id_ in gone.ids),
            content=_digest(gone.bodies),
            searched=0,
            found=0,
            elsewhere=0,
            copies=(*map(_told, gone.copies), *self._beyond),
        )

    async def certificates(self, tenant: str | None) -> Sequence[Certificate]:
        """Return the certificates of one tenant, or of all."""
        return [
            msgspec.structs.replace(msgspec.json.decode(kept, type=Certificate), id=number)
            for number, kept in await self._upkeep.certificates(tenant)
        ]

    async def _of(self, scope: Scope, state: str) -> list[int]:
        return await self._upkeep.commands(scope[0], state, lambda kept: opened(kept).conversation == scope[1])

    async def _verified(self, gone: Erased) -> Search:
        """Look for what is gone; where something is left of it, write the database anew and look again."""
        everything = list(dict.fromkeys(pieces(gone)))
        sought = everything[:: max(1, -(-len(everything) // SOUGHT))]
        await self._database.alone(fold)
        found = await self._search(sought)
        elsewhere = await self._database.scan(lambda connection: living(connection, found))
        rewritten = bool(found.keys() - elsewhere.keys()) or len(everything) > len(sought)
        if rewritten:
            await self._database.alone(rebuild)
            found = await self._search(sought)
        left = [piece for piece in found if piece not in elsewhere]
        places = tuple(sorted({place for piece in left for place in found[piece]}))
        kept = [elsewhere[piece] for piece in found if piece in elsewhere]
        return Search(len(sought), len(left), len(kept), places, tuple(sorted({*kept})), rewritten)

    async def _search(self, sought: list[bytes]) -> dict[bytes, list[str]]:
        return await asyncio.to_thread(search, self._database.path.parent, sought)


def pieces(gone: Erased) -> Iterator[bytes]:
    """Iterate over what makes the texts in what is gone recognisable: the start, the middle and the end of each."""
    for leaf in (*(leaf for body in gone.bodies for leaf in leaves(_value(body))), *gone.words):
        data = leaf.encode() if isinstance(leaf, str) else leaf
        if isinstance(data, bytes) and len(data) >= SHORTEST:
            middle = max(0, (len(data) - LONGEST) // 2)
            yield from (data[:LONGEST], data[middle : middle + LONGEST], data[-LONGEST:])


def _told(copy: Copy) -> str:
    """Return a sentence about a copy: what of, where, since when, by whom."""
    what = f"conversation {copy.conversation}" if copy.conversation else "the whole record"
    at = f"{time_of(copy.at_us):%Y-%m-%dT%H:%M:%SZ}, {copy.author}"
    if copy.kind == "import":
        return f"import from {copy.place} ({at})"
    return f"{copy.kind} of {what} to {copy.place or 'whoever asked for it'} ({at})"


def _value(body: bytes) -> Any:
    try:
        return codec.decode(body, Any)
    except InvalidMessage:
        return body


def _digest(parts: Iterable[bytes]) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part + b"\n")
    return digest.hexdigest()
