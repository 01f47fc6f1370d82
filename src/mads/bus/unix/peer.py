"""What the process at the other end of a link does on the hub's bus: it calls, and it serves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from mads.bus.port import Bus, Subscription
from mads.bus.unix.frames import Deliver, Drain, Load, Opening, Publish, Request, Seal, Subscribe, Unsubscribe
from mads.bus.unix.link import Link
from mads.wire import codec
from mads.wire.call import Call, Reply, Sink
from mads.wire.errors import Denied, InvalidMessage, UsageError
from mads.wire.record import own

Vouch = Callable[[Call], Call]
"""Returns a peer's call with the identity that the hub vouches for, or raises the `Denied` that is its answer."""

MayServe = Callable[[str], bool]
"""Whether a peer may serve a pattern."""

MAX_SUBSCRIPTIONS = 256
"""How many subscriptions a peer may have."""

MAX_CAPACITY = 65_536
"""How many calls an inbox that serves a peer may hold."""

RECENT = 1024
"""How many calls that a peer has handled are remembered."""

TICK = 0.01
"""How often a peer that drains is looked at, in seconds."""


class Peer:
    """The other end of `link`, which calls as whoever `vouch` says and serves what it `may_serve`."""

    def __init__(self, bus: Bus, *, vouch: Vouch, may_serve: MayServe) -> None:
        self.link = Link(self._serve, self._hear)
        self._bus = bus
        self._vouch = vouch
        self._may_serve = may_serve
        self._served: dict[int, Served] = {}
        self._held: Counter[str] = Counter()

    def hold(self, call: Call) -> None:
        """Note that the peer handles `call`; raise `InvalidMessage` where it handles another of the same id.

        Tells the peer of its inboxes, which costs least when it is spoken to anyway.
        """
        held = self.link.handling.setdefault(call.id, call)
        if held.identity != call.identity:
            raise InvalidMessage(f"another call has the id {call.id!r}")
        self._held[call.id] += 1
        for served in self._served.values():
            served.tell()

    def release(self, call: Call) -> None:
        """End what `hold` began; an event may be held by several subscriptions."""
        self._held[call.id] -= 1
        if not self._held[call.id]:
            del self._held[call.id], self.link.handling[call.id]
            self.link.handled[call.id] = call
            if len(self.link.handled) > RECENT:
                self.link.handled.popitem(last=False)

    async def live(self) -> None:
        """Wait for the end of the link, and take what it did off the bus."""
        await self.link.ended()
        await asyncio.gather(self.link.close(), *(served.close() for served in self._served.values()))

    async def _serve(self, opening: Opening, sink: Sink | None) -> Reply:
        match opening:
            case Request():
                call = self._vouch(codec.from_wire(opening.call))
                return await self._bus.request(call if sink is None else replace(call, sink=sink))
            case Publish():
                await self._bus.publish(self._vouch(codec.from_wire(opening.call)))
            case Subscribe():
                await self._subscribe(opening)
            case Unsubscribe():
                if served := self._served.pop(opening.subscription, None):
                    await served.close()
            case Seal():
                if served := self._served.get(opening.subscription):
                    await served.seal()
            case Drain():
                await self._drain()
            case _:
                raise InvalidMessage("only a hub sends this")
        return Reply()

    async def _subscribe(self, opening: Subscribe) -> None:
        for pattern in opening.patterns:
            if not self._may_serve(pattern):
                raise Denied(f"this process may not serve {pattern!r}")
        if len(self._served) >= MAX_SUBSCRIPTIONS:
            raise Denied(f"this process has {MAX_SUBSCRIPTIONS} subscriptions, and may have no more")
        if opening.capacity > MAX_CAPACITY:
            raise InvalidMessage(f"capacity={opening.capacity!r}: write {MAX_CAPACITY} or less")
        served = Served(self, opening)
        try:
            await served.open(self._bus)
        except UsageError as error:
            raise InvalidMessage(str(error)) from None
        self._served[opening.no] = served

    async def _drain(self) -> None:
        for served in self._served.values():
            await served.seal()
        while any(served.busy for served in self._served.values()):
            await asyncio.sleep(TICK)

    def _hear(self, load: Load) -> None:
        raise InvalidMessage(f"only a hub tells of the inbox of {load.no}")


class Served:
    """A subscription of `peer`: the inbox is the bus's, and what it hands out goes to the peer."""

    _inbox: Subscription

    def __init__(self, peer: Peer, asked: Subscribe) -> None:
        self._peer = peer
        self._asked = asked
        self._running = 0
        self._told = (0, 0)

    async def open(self, bus: Bus) -> None:
        """Begin."""
        asked = self._asked
        self._inbox = await bus.subscribe(
            asked.patterns,
            self.handle,
            group=asked.group,
            owner=asked.owner,
            at_once=asked.at_once,
            capacity=asked.capacity,
        )

    @property
    def busy(self) -> bool:
        """Whether a call waits or is handled."""
        return self._running > 0 or self._inbox.waiting > 0

    async def seal(self) -> None:
        """Take no new call."""
        await self._inbox.seal()

    def tell(self) -> None:
        """Tell the peer what has become of the inbox."""
        load = (self._inbox.waiting, self._inbox.dropped)
        if load != self._told:
            self._told = load
            self._peer.link.post(Load(self._asked.no, *load))

    async def handle(self, call: Call) -> Reply:
        """Have the peer handle `call`."""
        link = self._peer.link
        self._peer.hold(call)
        self._running += 1
        try:
            credit = None if call.sink is None else 0
            deliver = Deliver(link.number(), self._asked.no, credit, codec.to_wire(call))
            reply = await link.ask(deliver, sink=call.sink, settle=True)
            if reply.decisions:  # what guards decided is the hub's alone to say
                reply = replace(reply, decisions=own(reply.decisions, call.subject))
        finally:
            self._running -= 1
            self._peer.release(call)
        if reply.failure is None or reply.failure.code != "lost":
            return reply
        return replace(reply, failure=replace(reply.failure, where=reply.failure.where or self._asked.name))

    async def close(self) -> None:
        """End."""
        await self._inbox.close()
