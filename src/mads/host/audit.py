"""What was decided in a running system: on disk before a refusal is answered, else in order behind the calls.

The log tells of the last row at every start and end.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from msgspec.structs import asdict, replace

from mads.guard.principals import theirs
from mads.host.attest import Attested
from mads.host.commands.together import Together
from mads.observe.span import Span
from mads.store.audit.port import Event, Head, Kind, Row, Which
from mads.store.database import Database
from mads.wire.call import Call, current
from mads.wire.errors import StoreError
from mads.wire.record import Decision, Entry
from mads.wire.status import AuditQuery, AuditRow, Verified

MOST = 100_000
"""How many rows are told at a time."""

CALLS = ("call", "command", "prose", "model")


class Trail:
    """The rows of one system; `open` it before anything is decided, `close` it after."""

    def __init__(self) -> None:
        self._kept: Attested
        self._waiting: deque[tuple[Sequence[Span], Sequence[Entry]]] = deque()
        self._news, self._written = asyncio.Event(), asyncio.Event()
        self._written.set()
        self._writer: asyncio.Task[None] | None = None
        self._newest = Head()
        self._notes = Together(self._note_all)
        self._log = structlog.get_logger()

    async def open(self, folder: Path, database: Database) -> None:
        """Keep rows in `database` from now on; raise `StoreError` where those there are not as they were written."""
        self._kept = await asyncio.to_thread(Attested, folder, database)
        await self._kept.refuse_doubts()
        self._newest = await self._kept.store.head()
        self._log.info("audit", rows=self._newest.seq, head=self._newest.hash.hex())
        self._writer = asyncio.create_task(self._write_all(), name="audit")

    async def note(self, event: Event) -> None:
        """Return once `event` is on disk; raise `StoreError` where it cannot be written."""
        await self._notes.ask(event)

    async def decided(self, call: Call, decision: Decision) -> None:
        """Note what was decided of `call`; what cannot be written is refused all the same."""
        try:
            await self.note(event_of(call, decision))
        except StoreError as error:
            if decision.allowed:
                raise
            self._log.error("a refusal is not in the audit", request=call.id, why=str(error))

    async def refused(self, principal: str, tenant: str, subject: str, why: str) -> None:
        """Note that a credential was refused, which it is also where that cannot be written."""
        about = Event(
            at=_now(), kind="signin", principal=principal, tenant=tenant, subject=subject, allowed=False, rule=why
        )
        try:
            await self.note(about)
        except StoreError as error:
            self._log.error("a refused credential is not in the audit", why=str(error))

    async def changed(self, kind: Kind, subject: str, rule: str, revision: int = 0) -> None:
        """Note that whoever makes the call being handled changed something."""
        call = current.get()
        await self.note(
            Event(
                at=_now(),
                kind=kind,
                principal=call.identity.principal if call else "host",
                tenant=call.identity.tenant if call else "",
                chain=".".join(call.identity.chain) if call else "",
                subject=subject,
                allowed=True,
                rule=rule,
                revision=revision,
                request=call.id if call else "",
                trace=call.trace if call else "",
            )
        )

    def heard(self, spans: Sequence[Span], entries: Sequence[Entry]) -> None:
        """Have what was decided of `spans`, which are `entries` now, written soon."""
        self._waiting.append((spans, entries))
        self._written.clear()
        self._news.set()

    async def flush(self) -> None:
        """Wait until all that was heard is written."""
        await self._written.wait()

    async def close(self) -> None:
        """Write what waits."""
        await self.flush()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        self._log.info("audit", rows=self._newest.seq, head=self._newest.hash.hex())

    async def last(self, asked: AuditQuery) -> Sequence[AuditRow]:
        """Return the last of those that are asked for and that the caller may see, oldest first."""
        await self.flush()
        which = Which(
            tenant=theirs() or asked.tenant,
            principal=asked.principal,
            request=asked.request,
            trace=asked.trace,
            denied=asked.denied,
        )
        return [told(row) for row in await self._kept.store.last(which, max(1, min(asked.limit, MOST)))]

    async def verified(self) -> Verified:
        """Return how many rows there are, and what is wrong with them."""
        await self.flush()
        return await self._kept.verified()

    async def cut(self, before: int) -> bool:
        """Take one step to be rid of what was decided before `before`; return whether another may be left."""
        try:
            head = await self._kept.store.cut(before)
        except StoreError as error:
            self._log.error("the audit is not cut", why=str(error))
            return False
        if head is not None:
            self._remember(head)
        return head is not None

    async def _note_all(self, events: Sequence[Event]) -> Sequence[None]:
        """Write what is to be noted at one moment: in one row after the other, and at once."""
        self._remember(await self._kept.store.add(events))
        return [None] * len(events)

    def _remember(self, head: Head) -> None:
        """Note the last row beside the database; an older note than that is none."""
        if head.seq <= self._newest.seq:
            return
        self._newest = head
        self._kept.remember(head)

    async def _write_all(self) -> None:
        while True:
            await self._news.wait()
            while self._waiting:
                events = await asyncio.to_thread(_events, *self._waiting[0])
                try:
                    if events:
                        self._remember(await self._kept.store.add(events))
                except StoreError as error:
                    self._log.error("the audit waits for the store", why=str(error))
                    await asyncio.sleep(1)
                else:
                    self._waiting.popleft()
            self._news.clear()
            self._written.set()


def event_of(call: Call, decision: Decision) -> Event:
    """Return what was decided of `call` as it is kept."""
    identity = call.identity
    return Event(
        at=_now(),
        kind="call",
        principal=identity.principal,
        tenant=identity.tenant,
        chain=".".join(identity.chain),
        subject=call.subject,
        allowed=decision.allowed,
        rule=decision.rule if decision.layer == "access" else f"{decision.layer}: {decision.rule}",
        revision=decision.revision,
        request=call.id,
        trace=call.trace,
    )


def _events(spans: Sequence[Span], entries: Sequence[Entry]) -> list[Event]:
    """Return what is still to be written of what was decided: refusals, and what destroys, are on disk already."""
    events: list[Event] = []
    for span, entry in zip(spans, entries, strict=True):
        by = span.watched
        if by is None or not span.handled or by.served.kind not in CALLS or not entry.decisions:
            continue
        decision = next((one for one in entry.decisions if not one.allowed), entry.decisions[0])
        if decision.layer != "access" or (decision.allowed and not by.served.destructive):
            events.append(replace(event_of(span.call, decision), at=entry.at_us))
    return events


def told(row: Row) -> AuditRow:
    """Return a row as it is shown."""
    at = datetime.fromtimestamp(row.event.at / 1_000_000, UTC).isoformat(timespec="milliseconds")
    said: dict[str, Any] = {**asdict(row.event), "seq": row.seq, "at": at}
    return AuditRow(**said)


def _now() -> int:
    return int(time.time() * 1_000_000)
