"""The bus of a process that is linked to a hub: a child, or the command line."""

from __future__ import annotations

import asyncio
import socket
from asyncio import CancelledError
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mads.bus.port import CREDIT, Stream
from mads.bus.unix.exchange import Exchange
from mads.bus.unix.frames import Deliver, Drain, Item, Load, Opening, Publish, Request, Subscribe, Unsubscribe
from mads.bus.unix.link import Link, reply_of
from mads.wire import codec
from mads.wire.call import Call, Handle, Reply, Sink
from mads.wire.errors import CallError, DeadlineExceeded, InvalidMessage, NoResponder, Unreachable, UsageError
from mads.wire.failure import error_of, failure_of

PATIENCE = 5.0
"""For how many seconds the hub may be silent when a subscription begins or ends."""

TICK = 0.01
"""How often `drain` looks whether anything is still under way, in seconds."""


class UnixBus:
    """Calls go to the hub's bus, and what that hands out is handled here.

    `link.ended` says when, and why, the hub is gone.
    """

    capabilities: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.link = Link(self._serve, self._hear)
        self._subscriptions: dict[int, RemoteSubscription] = {}
        self._draining = False

    async def request(self, call: Call) -> Reply:
        """Send `call` to one subscription that matches its subject and return the reply."""
        try:
            if call.sink is None:
                return await self.link.ask(self._opening(call, None), left=call.remaining())
            async with asyncio.timeout(call.remaining()):
                return await self.link.ask(self._opening(call, 0), sink=call.sink)
        except TimeoutError:
            return Reply(failure=failure_of(_late(call)))
        except Exception as error:  # noqa: BLE001 - a body that cannot travel, or whatever the sink raises
            return Reply(failure=failure_of(error, request=call.id))

    @asynccontextmanager
    async def stream(self, call: Call, *, credit: int = CREDIT) -> AsyncIterator[Stream]:
        """Open a streaming call."""
        try:
            exchange = await self.link.open(self._opening(call, credit), left=call.remaining(), sink=call.sink)
        except CallError as error:
            yield RemoteStream(self.link, None, Reply(failure=failure_of(error, request=call.id)))
            return
        try:
            yield RemoteStream(self.link, exchange)
        finally:
            self.link.leave(exchange)

    async def publish(self, call: Call) -> None:
        """Send `call` to every subscription that matches its subject, once to each group.

        Raises the `CallError` for which the hub did not, or may not have.
        """
        if not self._refuses(call):
            opening = Publish(self.link.number(), codec.to_wire(call))
            _raise_failure(await self.link.ask(opening, left=call.remaining()))

    async def subscribe(
        self,
        patterns: Sequence[str],
        handle: Handle,
        *,
        group: str | None = None,
        owner: str | None = None,
        at_once: int = 1,
        capacity: int = 256,
    ) -> RemoteSubscription:
        """Serve the subjects that match any of `patterns` from one inbox of `capacity`, `at_once` at a time."""
        opening = Subscribe(self.link.number(), tuple(patterns), group, owner, at_once, capacity)
        name = owner or group or ", ".join(patterns)
        subscription = self._subscriptions[opening.no] = RemoteSubscription(self.link, opening.no, handle, name)
        try:
            _raise_failure(await self.link.ask(opening, left=PATIENCE))
        except BaseException as error:
            del self._subscriptions[opening.no]
            self.link.post(Unsubscribe(self.link.number(), opening.no))
            if isinstance(error, InvalidMessage):
                raise UsageError(str(error)) from None
            raise
        return subscription

    async def drain(self, timeout: float) -> None:
        """Take no new call, finish what was taken within `timeout` seconds, cancel the rest, close."""
        self._draining = True
        try:
            async with asyncio.timeout(timeout):
                await self.link.ask(Drain(self.link.number()))
                while self.link.busy:
                    await asyncio.sleep(TICK)
        except TimeoutError:
            pass
        await self.link.close("this process has drained its bus")

    def _refuses(self, call: Call) -> bool:
        return self._draining and call.cause is None

    def _opening(self, call: Call, credit: int | None) -> Request:
        if self._refuses(call):
            raise NoResponder(f"{call.subject!r} was not answered: this bus is being closed", request=call.id)
        if call.remaining() <= 0:
            raise _late(call)
        return Request(self.link.number(), credit, codec.to_wire(call))

    async def _serve(self, opening: Opening, sink: Sink | None) -> Reply:
        match opening:
            case Deliver():
                if subscription := self._subscriptions.get(opening.subscription):
                    return await subscription.handle(codec.from_wire(opening.call), sink)
                raise NoResponder(f"{opening.call.subject!r} is not served any more")
            case _:
                raise InvalidMessage("only a hub answers this")

    def _hear(self, load: Load) -> None:
        if subscription := self._subscriptions.get(load.no):
            subscription.waiting, subscription.dropped = load.waiting, load.dropped


class RemoteSubscription:
    """A subscription whose inbox is the hub's; `waiting` and `dropped` are what the hub last said of it."""

    def __init__(self, link: Link, no: int, handle: Handle, name: str) -> None:
        self.waiting = 0
        self.dropped = 0
        self._link = link
        self._no = no
        self._handle = handle
        self._name = name

    async def handle(self, call: Call, sink: Sink | None) -> Reply:
        """Handle `call`; whatever goes wrong is the reply's failure."""
        try:
            return await self._handle(call if sink is None else replace(call, sink=sink))
        except (Exception, CancelledError) as error:  # noqa: BLE001 - whatever a handler raises is its caller's to know
            return Reply(failure=failure_of(error, where=self._name, request=call.id))

    async def close(self) -> None:
        """Take nothing more, answer what waits with `no_responder`, cancel what runs."""
        await self._link.ask(Unsubscribe(self._link.number(), self._no), left=PATIENCE)


class RemoteStream:
    """The items of a streaming call as they arrive, then its reply."""

    def __init__(self, link: Link, exchange: Exchange | None, reply: Reply | None = None) -> None:
        self._link = link
        self._exchange = exchange
        self._reply = reply

    def __aiter__(self) -> RemoteStream:
        return self

    async def __anext__(self) -> Any:
        if self._reply is None and self._exchange is not None:
            frame = await self._exchange.next()
            if isinstance(frame, Item):
                self._link.read(self._exchange)
                return frame.body
            self._reply = reply_of(frame)
        raise StopAsyncIteration

    @property
    def reply(self) -> Reply:
        """The call's end."""
        if self._reply is None:
            raise UsageError("the stream has no reply yet: read its items to the end first")
        return self._reply


async def connect(path: Path | str) -> UnixBus:
    """Return the bus of the system that listens at `path`; raise `Unreachable` where none does."""
    bus = UnixBus()
    try:
        await asyncio.get_running_loop().create_unix_connection(lambda: bus.link, str(path))
    except OSError as error:
        raise Unreachable(f"no system answers at {str(path)!r} ({error}): start one with `mads up`") from error
    return bus


async def adopt(sock: socket.socket) -> UnixBus:
    """Return the bus of the hub at the other end of `sock`, a connected socket, which it takes over."""
    bus = UnixBus()
    await asyncio.get_running_loop().create_unix_connection(lambda: bus.link, sock=sock)
    return bus


def _late(call: Call) -> DeadlineExceeded:
    return DeadlineExceeded(f"{call.subject!r} was not answered before its deadline", request=call.id)


def _raise_failure(reply: Reply) -> None:
    if reply.failure is not None:
        raise error_of(reply.failure)
