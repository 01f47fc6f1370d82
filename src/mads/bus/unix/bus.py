"""The bus of a process that is linked to a hub: a child, or the command line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from mads.bus.port import CREDIT, Stream
from mads.bus.unix.frames import Deliver, Drain, Load, Opening, Publish, Request, Subscribe, Unsubscribe
from mads.bus.unix.link import Link
from mads.bus.unix.remote import RemoteStream, RemoteSubscription
from mads.wire import codec
from mads.wire.call import Call, Handle, Reply, Sink
from mads.wire.errors import CallError, DeadlineExceeded, InvalidMessage, NoResponder, Unreachable, UsageError
from mads.wire.failure import error_of, failure_of

SLACK = 0.05
"""How much later than the hub, in seconds, this side says that a call is late: by then the hub has withdrawn it."""

TICK = 0.01
"""How often `drain` looks whether anything is still under way, in seconds."""


class UnixBus:
    """Calls go to the hub's bus, and what that hands out is handled here.

    `link.ended()` returns when the hub is gone.
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
                return await self.link.ask(self._request(call, None), left=_patience(call))
            async with asyncio.timeout(_patience(call)):
                return await self.link.ask(self._request(call, 0), sink=call.sink)
        except TimeoutError:
            return Reply(failure=failure_of(_late(call)))
        except Exception as error:  # noqa: BLE001 - a body that cannot travel, or whatever the sink raises
            return Reply(failure=failure_of(error, request=call.id))

    @asynccontextmanager
    async def stream(self, call: Call, *, credit: int = CREDIT) -> AsyncGenerator[Stream]:
        """Open a streaming call."""
        try:
            exchange = await self.link.open(self._request(call, credit), left=_patience(call), sink=call.sink)
        except CallError as error:
            yield RemoteStream(self.link, Reply(failure=failure_of(error, request=call.id)))
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
            _raise_failure(await self.link.ask(opening, left=_patience(call)))

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
        asked = Subscribe(self.link.number(), tuple(patterns), group, owner, at_once, capacity)
        subscription = RemoteSubscription(self.link, asked, handle, self._forget)
        self._subscriptions[asked.no] = subscription
        try:
            _raise_failure(await subscription.open())
        except BaseException as error:
            self._forget(asked.no)
            self.link.post(Unsubscribe(self.link.number(), asked.no))
            if isinstance(error, InvalidMessage):
                raise UsageError(str(error)) from None
            raise
        return subscription

    async def drain(self, timeout: float) -> None:
        """Take no new call, finish what was taken within `timeout` seconds, cancel the rest, close."""
        self._draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.link.ask(Drain(self.link.number()))
                while self.link.busy:
                    await asyncio.sleep(TICK)
        await self.link.close("this process has drained its bus")

    def _request(self, call: Call, credit: int | None) -> Request:
        if self._refuses(call):
            raise NoResponder(f"{call.subject!r} was not answered: this bus is being closed")
        if call.remaining() <= 0:
            raise _late(call)
        return Request(self.link.number(), credit, codec.to_wire(call))

    def _refuses(self, call: Call) -> bool:
        return self._draining and call.cause is None

    async def _serve(self, opening: Opening, sink: Sink | None) -> Reply:
        if not isinstance(opening, Deliver):
            raise InvalidMessage("only a hub answers this")
        if subscription := self._subscriptions.get(opening.subscription):
            return await subscription.handle(codec.from_wire(opening.call), sink)
        raise NoResponder(f"{opening.call.subject!r} is not served any more")

    def _hear(self, load: Load) -> None:
        if subscription := self._subscriptions.get(load.no):
            subscription.hear(load)

    def _forget(self, no: int) -> None:
        self._subscriptions.pop(no, None)


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


def _patience(call: Call) -> float:
    return call.remaining() + SLACK


def _late(call: Call) -> DeadlineExceeded:
    return DeadlineExceeded(f"{call.subject!r} was not answered before its deadline", request=call.id)


def _raise_failure(reply: Reply) -> None:
    if reply.failure is not None:
        raise error_of(reply.failure)
