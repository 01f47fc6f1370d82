"""The conversations on record, for those who took part in them and for their operator."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from mads.bus.port import Bus
from mads.guard.labels import Labels
from mads.guard.principals import whose
from mads.host.caller import Caller
from mads.host.config import STEWARD
from mads.host.history.erasure import Eraser
from mads.host.history.retention import Sweeper
from mads.host.history.transcript import SAY, Transcript, key_of, microseconds, time_of
from mads.host.moment import moment
from mads.host.proxy import outcome
from mads.host.talk.exchange import Exchanges
from mads.host.talk.need import PATIENCE
from mads.store.record.conversations import Scope, SqliteConversations
from mads.wire import codec
from mads.wire.call import Call, Identity, current
from mads.wire.conversation import (
    LONGEST,
    Certificate,
    Conversation,
    Exchange,
    Label,
    Said,
    conversation_id,
)
from mads.wire.errors import CallError, Denied, InvalidMessage, MadsError, Overloaded
from mads.wire.ids import trace_ids

LOADED = 20_000
"""How many turns of one conversation are looked through for those of a thread; earlier ones are counted only."""

BEFORE = 64
"""How many turns are read before those that are asked for, which may answer one of them."""

LARGEST = 8 * 1024 * 1024
"""How many bytes of turns are returned at most; then it is fewer of them."""

RESERVED = 4
"""How many calls of the steward there is room for, however many exchanges go on."""

RETRY = 1.0
"""Seconds after which whoever found no room for an exchange may try again."""

WHOLE = ("", "", 0)
"""In the place of a row: the conversation as a whole."""


class HostConversations:
    """What `store` knows of them, once `flush` has written what is still on its way.

    So many exchanges go on side by side as leave room for others among the `at_once` calls of the steward.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        store: SqliteConversations,
        exchanges: Exchanges,
        eraser: Eraser,
        sweeper: Sweeper,
        flush: Callable[[], Awaitable[None]],
        labels: Labels,
        at_once: int,
    ) -> None:
        self._bus, self._store, self._exchanges, self._labels = bus, store, exchanges, labels
        self._eraser, self._sweeper, self._flush = eraser, sweeper, flush
        self._new_id = trace_ids()
        self._most, self._going = max(1, at_once - RESERVED), 0

    async def listed(self, *, mad: str, since: str, tenant: str) -> Sequence[Conversation]:
        """Return those in which `mad` took part ("": anybody) and that went on after `since`, the last one last."""
        call, since_us = _asking(), microseconds(moment(since, datetime.now(UTC))) if since else 0
        theirs = whose(call.identity, tenant)
        await self._flush()
        through = {*call.identity.chain}
        return [
            Conversation(
                id=found.id,
                tenant=found.tenant,
                participants=(*sorted(found.people), *sorted(found.mads - {STEWARD})),
                turns=found.rows,
                first=time_of(found.first_us),
                last=time_of(found.last_us),
                labels=found.labels,
                held=found.held,
            )
            for found in await self._store.outlines(theirs, since_us)
            if mad in ("", *found.mads) and through <= found.mads
        ]

    async def history(self, conversation: str, *, thread: str, limit: int, tenant: str = "") -> Sequence[Said]:
        """Return the last `limit` turns of one, or of one thread in it, oldest first; "" is that of the call."""
        scope = await self._named(conversation, tenant)
        transcript = await self._transcript(scope, LOADED if thread else limit + BEFORE)
        said = (transcript.thread(thread) if thread else transcript.turns)[-limit:]
        left = LARGEST
        for at in range(len(said) - 1, -1, -1):
            left -= len(codec.encode(said[at]))
            if left < 0:
                return said[at + 1 :]
        return said

    async def say(self, text: str, *, conversation: str, thread: str) -> Exchange:
        """Say something in one to those whom it mentions; "" is that of the call, or else a new one."""
        call = _asking()
        if STEWARD in call.identity.chain:  # a part of an exchange, for which there is room
            return await self._say(call, text, conversation, thread)
        if self._going >= self._most:
            raise Overloaded(f"{self._going} exchanges go on already; say it again soon", retry_after=RETRY)
        self._going += 1
        try:
            return await self._say(call, text, conversation, thread)
        finally:
            self._going -= 1

    async def _say(self, call: Call, text: str, conversation: str, thread: str) -> Exchange:
        if not text.strip() or len(text) > LONGEST:
            raise InvalidMessage(
                f"a turn has 1 to {LONGEST:,} characters, not {len(text.strip()):,}; say it in several"
            )
        wanted = conversation_id(conversation) if conversation else call.conversation or self._new_id()
        if wanted != call.conversation:
            if conversation and call.identity.chain:
                await self._named(conversation, "")
            asked = Caller(Identity(STEWARD, chain=(STEWARD,)), self._labels).call(
                SAY,
                codec.raw({"text": text, "conversation": "", "thread": thread}),
                timeout=PATIENCE,
                conversation=wanted,
            )
            try:
                exchange: Exchange = outcome(await self._bus.request(asked), Exchange, SAY)
            except CallError as error:
                error.request = call.id  # it is this call's own failure, in other words
                raise
            return exchange
        if thread:
            await self._flush()
            thread = (await self._transcript((call.identity.tenant, wanted), LOADED)).thread(thread)[0].id
        return await self._exchanges.say(text, thread=thread)

    async def hold(self, conversation: str, *, why: str, tenant: str) -> None:
        """Keep one from being erased, by hand or by age, for as long as it is held; "" lets it go."""
        scope = await self._named(conversation, tenant)
        if why.strip():
            await self._store.hold(scope, why.strip(), _asking().identity.principal, _now())
        else:
            await self._store.release(scope)
            self._sweeper.again()

    async def label(self, conversation: str, label: Label, *, turn: int | str, by: str, tenant: str) -> None:
        """Say how a turn came out, by its number or id, or all of those of which nothing else is said: 0."""
        scope = await self._named(conversation, tenant)
        row = WHOLE
        if turn:
            count, rows = await self._store.turns(scope, LOADED)
            first = count - len(rows) + 1
            named = [entry for number, (entry, _) in enumerate(rows, first) if turn in (number, entry.id)]
            if not named:
                raise InvalidMessage(f"conversation {scope[1]} has the turns {first} to {count}, and no turn {turn!r}")
            row = key_of(named[0])
        await self._store.label(scope, row, label, by or _asking().identity.principal, _now())

    async def erase(self, conversation: str, *, tenant: str) -> Certificate:
        """Erase one, and see that nothing of it is left; raise `Reject` where it is held."""
        scope = await self._named(conversation, tenant)
        return await self._eraser.erase(scope, by=_asking().identity.principal, at=datetime.now(UTC))

    async def certificates(self) -> Sequence[Certificate]:
        """Return what was erased, and when, and by whom."""
        return await self._eraser.certificates(whose(_asking().identity))

    async def _named(self, conversation: str, tenant: str) -> Scope:
        """Return the conversation that is meant, once all of it is written; raise where it is not the caller's."""
        call = _asking()
        if not conversation and call.conversation is None:
            raise InvalidMessage("the call belongs to no conversation; name one: `history(conversation=…)`")
        wanted = conversation_id(conversation) if conversation else str(call.conversation)
        scope = (tenant or call.identity.tenant, wanted)
        whose(call.identity, scope[0])
        await self._flush()
        parts = await self._store.parts(scope)
        if call.cause is not None and scope == (call.identity.tenant, call.conversation):
            return scope  # whoever handles a call of it takes part
        through = [mad for mad in call.identity.chain if mad != STEWARD]
        if through and (parts is None or not parts[0] >= {*through}):
            strangers = [mad for mad in through if parts is None or mad not in parts[0]]
            raise Denied(f"{', '.join(strangers)} took no part in conversation {wanted!r}")
        if parts is None:
            raise InvalidMessage(await self._missing(scope))
        return scope

    async def _missing(self, scope: Scope) -> str:
        gone = [one for one in await self._eraser.certificates(scope[0]) if one.conversation == scope[1]]
        if gone:
            last = gone[-1]
            return f"conversation {scope[1]!r} was erased on {last.at:%Y-%m-%d} by {last.by} (certificate {last.id})"
        return f"there is no conversation {scope[1]!r} on record; mads conversations lists those that there are"

    async def _transcript(self, scope: Scope, many: int) -> Transcript:
        count, rows = await self._store.turns(scope, many)
        bodies = await self._store.bodies(entry for entry, _ in rows)
        labels: dict[Any, Any] = {key_of(entry): label for entry, label in rows}
        return Transcript(
            [entry for entry, _ in rows], bodies, lambda entry: labels[key_of(entry)], first=count - len(rows) + 1
        )


def _asking() -> Call:
    call = current.get()
    if call is None:
        raise MadsError("conversations are asked for while a call is handled")
    return call


def _now() -> int:
    return int(time.time() * 1_000_000)
