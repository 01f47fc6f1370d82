"""The record as a whole: counted, exported, taken from elsewhere, and made into a dataset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mads.guard.principals import whose
from mads.host.history import transfer
from mads.host.history.dataset import Dataset
from mads.host.history.retention import Sweeper
from mads.host.history.transcript import microseconds, time_of
from mads.host.moment import moment
from mads.store.record.capture import Copy, Hold, Slice, SqliteCapture
from mads.store.record.conversations import SqliteConversations
from mads.wire.call import Identity, current
from mads.wire.conversation import Stats, Taken, conversation_id
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.record import Entry

PAGE = 500
"""How many rows are read at a time."""

LONGEST = 4096
"""How many characters are kept of where a copy went."""


class HostCapture:
    """What `store` has, once `flush` has written what is still on its way; `waiting` says how many rows those are."""

    def __init__(
        self,
        store: SqliteCapture,
        bodies: SqliteConversations,
        sweeper: Sweeper,
        flush: Callable[[], Awaitable[None]],
        waiting: Callable[[], int],
    ) -> None:
        self._store, self._bodies, self._sweeper = store, bodies, sweeper
        self._flush, self._waiting = flush, waiting

    async def stats(self) -> Stats:
        """Return how much is on record of the tenant of who asks, or for the operator of all."""
        tenant, waiting = whose(_person()), self._waiting()
        await self._flush()
        found = await self._store.counts(tenant)
        return Stats(
            rows=found.rows,
            conversations=found.conversations,
            bodies=found.bodies,
            body_bytes=found.body_bytes,
            file_bytes=found.file_bytes if tenant is None else 0,
            labelled=round(sum(found.labels.values()) / found.rows, 4) if found.rows else 1.0,
            by_hand=found.by_hand,
            labels=found.labels,
            kinds=found.kinds,
            redacted=found.redacted,
            held=found.held,
            erased=found.erased,
            oldest=None if found.oldest_us is None else time_of(found.oldest_us),
            newest=None if found.newest_us is None else time_of(found.newest_us),
            waiting=waiting if tenant is None else 0,
        )

    async def export(self, conversation: str, *, tenant: str, to: str) -> AsyncIterator[str]:
        """Iterate over the lines of an export: of one conversation, or of the whole record ("")."""
        part = Slice(
            conversation=conversation_id(conversation) if conversation else None, tenant=whose(_person(), tenant)
        )
        await self._noted("export", part, to)
        summed = transfer.Sum()
        async for line in self._lines(part):
            summed.add(f"{line}\n".encode())
            yield line
        yield summed.end()

    async def _lines(self, part: Slice) -> AsyncIterator[str]:
        last: Entry | None = None
        yield transfer.head()
        while page := await self._store.page(part, last, PAGE):
            bodies = await self._bodies.bodies(page)
            for entry in page:
                yield transfer.row(entry, bodies)
            last = page[-1]
        if part.conversation and last is None:
            raise InvalidMessage(
                f"there is no conversation {part.conversation!r} on record; mads conversations lists them"
            )
        for label in await self._store.marks(part):
            yield transfer.mark(label)
        for held in await self._store.holds(part):
            yield transfer.hold(held)

    async def take(self, path: str) -> Taken:
        """Take the export in a file on this machine into the record, once all of it is known to be right."""
        theirs = whose(_person())
        with await asyncio.to_thread(_opened, path) as file:
            tenants, holds = await asyncio.to_thread(_looked_through, file)
            others = tenants - {theirs}
            if theirs is not None and others:
                raise Denied(f"{path} has rows of tenant {min(others)!r}; the operator may import it")
            await self._store.take(iter(holds))  # before what they hold, or that might go meanwhile
            try:
                added, known = await self._store.take(transfer.read(file))
            except InvalidMessage as error:
                raise InvalidMessage(
                    f"{path} was changed while it was imported ({error.__cause__}); do it again"
                ) from None
        await self._noted("import", Slice(tenant=theirs), path)
        self._sweeper.again()
        return Taken(added, known)

    async def dataset(self, *, since: str, to: str) -> AsyncIterator[str]:
        """Iterate over the lines of a dataset for learning."""
        since_us = microseconds(moment(since, datetime.now(UTC))) if since else 0
        part = Slice(since_us=since_us, tenant=whose(_person()))
        await self._noted("dataset", part, to)
        async for line in Dataset(self._store, self._bodies).lines(part):
            yield line

    async def _noted(self, kind: str, part: Slice, place: str) -> None:
        """Have all written that is to be copied, and remember who has the copy."""
        await self._flush()
        who, now = _person().principal, microseconds(datetime.now(UTC))
        await self._store.note(Copy(kind, part.tenant or "", part.conversation or "", place[:LONGEST], who, now))


def _opened(path: str) -> BinaryIO:
    """Return the file at `path`, open; raise `InvalidMessage` where it is none, or has no end."""
    try:
        if not Path(path).is_file():
            Path(path).stat()
            raise InvalidMessage(f"{path} is no file; write that of an export")
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", error)
        raise InvalidMessage(f"{path}: {why}; write the file that mads conversations export has made") from None


def _looked_through(file: BinaryIO) -> tuple[set[str], list[Hold]]:
    """Return whose an export is, and what is held of it; raise `InvalidMessage` where a line of it is wrong."""
    tenants, holds = set[str](), list[Hold]()
    for part in transfer.read(file):
        tenants.add(part[0].tenant if isinstance(part, tuple) else part.tenant)
        if isinstance(part, Hold):
            holds.append(part)
    return tenants, holds


def _person() -> Identity:
    """Return who asks; raise `Denied` where a MAD does, which may read what it took part in and no more."""
    call = current.get()
    assert call is not None
    if call.identity.chain:
        raise Denied(
            f"{call.identity.chain[-1]} may read the conversations in which it took part (Talk), and no others"
        )
    return call.identity
