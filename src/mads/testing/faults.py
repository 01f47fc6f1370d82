"""A bus behind a bad line: what is sent through it is late, comes twice or is lost, by a seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from mads.bus.channel import Channel
from mads.bus.port import CREDIT, Bus, Stream, Subscription
from mads.wire.call import Call, Handle, Reply
from mads.wire.failure import Failure


class Faulty:
    """A bus whose requests, streams and events reach `bus` through a bad line; serving from it is not disturbed.

    Each waits up to `delay` seconds, and none overtakes another. With a chance of `duplicate` a request or an event is
    sent twice (the first reply counts), with one of `drop` nothing is sent, and who waits for a reply is told at the
    deadline that it is late.
    """

    def __init__(self, bus: Bus, seed: int, *, delay: float = 0.0, duplicate: float = 0.0, drop: float = 0.0) -> None:
        self._bus = bus
        self._chance = random.Random(seed)  # noqa: S311 - faults are to be repeatable
        self._line = asyncio.Lock()
        self._delay = delay
        self._duplicate = duplicate
        self._drop = drop

    @property
    def capabilities(self) -> frozenset[str]:
        """What the bus behind the line can do beyond the contract."""
        return self._bus.capabilities

    async def request(self, call: Call) -> Reply:
        """Send `call` to one subscription that matches its subject and return the reply."""
        copies = await self._travel()
        if copies == 0:
            return await _late(call)
        first, *_ = await asyncio.gather(*(self._bus.request(call) for _ in range(copies)))
        return first

    @asynccontextmanager
    async def stream(self, call: Call, *, credit: int = CREDIT) -> AsyncGenerator[Stream]:
        """Open a streaming call."""
        if await self._travel():
            async with self._bus.stream(call, credit=credit) as stream:
                yield stream
            return
        answer = asyncio.ensure_future(_late(call))
        try:
            yield Channel(answer, credit, None)
        finally:
            answer.cancel()

    async def publish(self, call: Call) -> None:
        """Send `call` to every subscription that matches its subject, once to each group."""
        for _ in range(await self._travel()):
            await self._bus.publish(call)

    async def subscribe(
        self,
        patterns: Sequence[str],
        handle: Handle,
        *,
        group: str | None = None,
        owner: str | None = None,
        at_once: int = 1,
        capacity: int = 256,
    ) -> Subscription:
        """Serve the subjects that match any of `patterns`, undisturbed."""
        return await self._bus.subscribe(patterns, handle, group=group, owner=owner, at_once=at_once, capacity=capacity)

    async def drain(self, timeout: float) -> None:
        """Drain the bus behind the line."""
        await self._bus.drain(timeout)

    async def _travel(self) -> int:
        """Wait until the line has carried one more message; return how many copies of it arrive."""
        async with self._line:
            if self._delay:
                await asyncio.sleep(self._chance.uniform(0, self._delay))
            if self._chance.random() < self._drop:
                return 0
            return 2 if self._chance.random() < self._duplicate else 1


async def _late(call: Call) -> Reply:
    await asyncio.sleep(max(call.remaining(), 0))
    return Reply(failure=Failure("late", f"{call.subject!r} was lost on the line", request=call.id))
