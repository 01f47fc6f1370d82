"""The need `Talk`: the history is the core's to give, and what is said is a call of the steward's."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mads.author.archive import Conversations
from mads.bus.port import Bus, Subscription
from mads.guard.labels import Labels, union
from mads.host.caller import Caller
from mads.host.history.transcript import SAY
from mads.host.proxy import outcome
from mads.wire import codec
from mads.wire.call import Call, Reply, current
from mads.wire.conversation import Exchange, Said
from mads.wire.errors import InvalidMessage

HISTORY = "host.talk.history"

MOST = 1_000
"""How many turns are returned at a time."""

PATIENCE = 600.0
"""Seconds that an exchange may take where the call being handled has as many left."""


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """The last `limit` turns of a conversation, "" for that of the call being handled, or of one thread in it."""

    conversation: str
    thread: str
    limit: Annotated[int, Meta(ge=1, le=MOST)]


class HostTalk:
    """The conversations of one MAD."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def history(
        self, *, conversation: str | None = None, thread: str | None = None, limit: int = 100
    ) -> list[Said]:
        """Return the last `limit` turns that have ended, oldest first."""
        if not 1 <= limit <= MOST:
            raise InvalidMessage(f"limit={limit!r}: ask for 1 to {MOST:,} turns")
        body = codec.raw(Asked(conversation or "", thread or "", limit))
        reply = await self._bus.request(self._caller.call(HISTORY, body))
        said: list[Said] = outcome(reply, list[Said], HISTORY)
        return said

    async def say(self, text: str, *, conversation: str | None = None, thread: str | None = None) -> Exchange:
        """Say `text` to those whom it mentions; return what came of it."""
        body = codec.raw({"text": text, "conversation": conversation or "", "thread": thread or ""})
        reply = await self._bus.request(self._caller.call(SAY, body, timeout=PATIENCE))
        exchange: Exchange = outcome(reply, Exchange, SAY)
        return exchange


async def serve_history(bus: Bus, conversations: Conversations, labels: Labels) -> Subscription:
    """Serve the history of conversations on `bus`, to each MAD that of those in which it took part.

    Whoever is told what was said is labelled as that was.
    """

    async def serve(call: Call) -> Reply:
        asked: Asked = codec.decode(codec.raw(call.body), Asked)
        token = current.set(call)  # no layer stands round this: what a need is told is no turn
        try:
            said = await conversations.history(asked.conversation, thread=asked.thread, limit=asked.limit)
            labels.pick(call.cause, union(*(turn.taint for turn in said)))
            return Reply(codec.raw(said))
        finally:
            current.reset(token)

    return await bus.subscribe((HISTORY,), serve, group="host.talk", at_once=16, capacity=1024)
