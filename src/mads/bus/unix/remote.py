"""What a process holds of what is the hub's: a subscription whose inbox is there, a stream that comes from there."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from mads.bus.unix.exchange import Exchange
from mads.bus.unix.frames import Item, Load, Seal, Subscribe, Unsubscribe
from mads.bus.unix.link import Link, reply_of
from mads.wire import codec
from mads.wire.call import Call, Handle, Reply, Sink
from mads.wire.errors import UsageError
from mads.wire.failure import failure_of

PATIENCE = 5.0
"""For how many seconds the hub may be silent when a subscription begins or ends."""


class RemoteSubscription:
    """A subscription; `waiting` and `dropped` are what the hub last said, with the call that it last handed out."""

    def __init__(self, link: Link, asked: Subscribe, handle: Handle, forget: Callable[[int], object]) -> None:
        self.waiting = 0
        self.dropped = 0
        self._link = link
        self._asked = asked
        self._handle = handle
        self._forget = forget

    async def open(self) -> Reply:
        """Have the hub begin, and return what it says."""
        return await self._link.ask(self._asked, left=PATIENCE)

    async def handle(self, call: Call, sink: Sink | None) -> Reply:
        """Handle `call`; whatever goes wrong is the reply's failure."""
        try:
            reply = await self._handle(call if sink is None else replace(call, sink=sink))
            return replace(reply, body=codec.raw(reply.body)) if reply.failure is None else reply
        except (Exception, CancelledError) as error:  # noqa: BLE001 - whatever a handler raises is its caller's to know
            return Reply(failure=failure_of(error, where=self._asked.name, request=call.id))

    def hear(self, load: Load) -> None:
        """Take note of what the hub says of the inbox."""
        self.waiting, self.dropped = load.waiting, load.dropped

    async def seal(self) -> None:
        """Take no new call from now on; what was taken, and what it sends in its turn, is served."""
        await self._link.ask(Seal(self._link.number(), self._asked.no), left=PATIENCE)

    async def close(self) -> None:
        """Take nothing more, answer what waits with `no_responder`, cancel what runs."""
        try:
            await self._link.ask(Unsubscribe(self._link.number(), self._asked.no), left=PATIENCE)
        finally:
            self._forget(self._asked.no)


class RemoteStream:
    """The items of a streaming call as they arrive, then its reply; one that could not be opened is only a reply."""

    def __init__(self, link: Link, source: Exchange | Reply) -> None:
        self._link = link
        self._source = source

    def __aiter__(self) -> RemoteStream:
        return self

    async def __anext__(self) -> Any:
        if isinstance(self._source, Exchange):
            frame = await self._source.next()
            if isinstance(frame, Item):
                self._link.read(self._source)
                return frame.body
            self._source = reply_of(frame)
        raise StopAsyncIteration

    @property
    def reply(self) -> Reply:
        """The call's end."""
        if isinstance(self._source, Exchange):
            raise UsageError("the stream has no reply yet: read its items to the end first")
        return self._source
