"""What every check of the bus suite is made of: calls, and handlers that keep what happened to them."""

from __future__ import annotations

import asyncio
import time
from asyncio import CancelledError, Task
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from msgspec import Raw

from mads.bus.port import Bus
from mads.wire import codec
from mads.wire.asking import Speechless
from mads.wire.call import Band, Call, Identity, Progress, Reply
from mads.wire.failure import Failure
from mads.wire.ids import call_ids

Check = Callable[[Bus, Bus], Awaitable[None]]
"""A promise as a test: it gets the bus that serves and the bus that calls, which may be the same."""

PATIENCE = 10.0
"""How long a check waits for what must happen, in seconds."""

SOON = 0.1
"""The deadline of a call that is to be late, in seconds from now."""

SOON_ENOUGH = 0.5
"""The deadline of a call that is to be late, but not before its handler has started."""

ANA = Identity("ana")

_new_id = call_ids()


def call(subject: str, value: Any = None, *, left: float = 30.0, identity: Identity = ANA, **fields: Any) -> Call:
    """Return a call of `subject` with `value` as its body and `left` seconds to its deadline."""
    deadline = time.monotonic() + left
    body = Raw(codec.encode(value))
    return Call(subject=subject, body=body, id=_new_id(), deadline=deadline, identity=identity, **fields)


def value(body: Any) -> Any:
    """Return what `body` holds."""
    return codec.decode(body, Any) if isinstance(body, Raw) else body


def answer(reply: Reply) -> Any:
    """Return what `reply` holds, which must be a result."""
    assert reply.failure is None, reply.failure
    return value(reply.body)


def failure(reply: Reply, code: str, request: Call) -> Failure:
    """Return the failure of `reply`, which must be a `code` about `request`."""
    assert reply.failure is not None, "it was answered"
    assert reply.failure.code == code, reply.failure
    assert reply.failure.request == request.id, reply.failure
    return reply.failure


class Scene:
    """A handler that echoes, and keeps what happened.

    Without `gate` it echoes nothing before its gate is set; with `held`, everything but those values.
    """

    def __init__(self, *, gate: bool = True, held: Iterable[Any] | None = None) -> None:
        self.gate = asyncio.Event()
        self.started: list[Any] = []
        self.ended: list[Any] = []
        self.cancelled: list[Any] = []
        self.calls: list[Call] = []
        self._held = None if held is None else frozenset(held)
        self._news = asyncio.Event()
        if gate and held is None:
            self.gate.set()

    async def __call__(self, call: Call) -> Reply:
        """Handle `call`."""
        said = value(call.body)
        self.calls.append(call)
        self._tell(self.started, said)
        try:
            if self._held is None or said in self._held:
                await self.gate.wait()
        except CancelledError:
            self._tell(self.cancelled, said)
            raise
        self._tell(self.ended, said)
        return Reply(call.body)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; looked up whenever something happened here."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _tell(self, heard: list[Any], said: Any) -> None:
        heard.append(said)
        self._news.set()


class Told(Speechless):
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.progressed: list[Progress] = []

    async def item(self, body: Any) -> None:
        """Refuse: nobody asked for items."""
        raise AssertionError(body)

    def progress(self, progress: Progress) -> None:
        """Keep `progress`."""
        self.progressed.append(progress)


def sent(bus: Bus, *calls: Call) -> list[Task[Reply]]:
    """Send requests, in this order, without waiting for their replies."""
    return [asyncio.create_task(bus.request(call)) for call in calls]


async def arrived(server: Bus, client: Bus) -> None:
    """Wait until everything that `client` has sent so far is where it waits to be handled."""
    await asyncio.sleep(0)  # tasks that were made before get to send first
    subscription = await server.subscribe(["mads.last.say"], Scene())
    async with asyncio.timeout(PATIENCE):
        while (await client.request(call("mads.last.say", left=1, band=Band.BULK))).failure is not None:
            pass  # lost on the way
    await subscription.close()
