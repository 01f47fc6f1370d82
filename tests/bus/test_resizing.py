"""How many calls are handled at once, and how many may wait, changes while some wait and some run."""

from __future__ import annotations

import asyncio
import time

from mads.bus.memory import MemoryBus
from mads.bus.serving import Serving
from mads.wire.call import Call, Identity, Reply

COVERS = ("R-133",)


class Gate:
    """A handler that lets nothing through before it is told, and the most that stood there."""

    def __init__(self) -> None:
        self.open, self.inside, self.most = asyncio.Event(), 0, 0

    async def handle(self, _: Call) -> Reply:
        """Stand at the gate."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.open.wait()
        await asyncio.sleep(0)
        self.inside -= 1
        return Reply(body=None)


async def settled(serving: Serving, *, running: int, waiting: int) -> None:
    async with asyncio.timeout(5):
        while (len(serving.handled()), serving.waiting) != (running, waiting):
            await asyncio.sleep(0)


def asked(bus: MemoryBus, count: int) -> list[asyncio.Task[Reply]]:
    until = time.monotonic() + 30
    return [
        asyncio.create_task(
            bus.request(Call(subject="mads.x.y", body=None, id=str(number), deadline=until, identity=Identity("ana")))
        )
        for number in range(count)
    ]


async def test_more_places_are_taken_at_once_by_those_who_wait() -> None:
    bus, gate = MemoryBus(), Gate()
    serving = await bus.subscribe(["mads.x.*"], gate.handle, at_once=1)
    calls = asked(bus, 6)
    await settled(serving, running=1, waiting=5)
    serving.resize(4, 256)
    await settled(serving, running=4, waiting=2)
    gate.open.set()
    await asyncio.gather(*calls)
    assert gate.most == 4
    await bus.drain(1)


async def test_what_runs_in_a_place_that_is_taken_away_goes_on_and_nobody_follows_it() -> None:
    bus, gate = MemoryBus(), Gate()
    serving = await bus.subscribe(["mads.x.*"], gate.handle, at_once=4)
    calls = asked(bus, 6)
    await settled(serving, running=4, waiting=2)
    serving.resize(1, 256)
    late = asked(bus, 3)
    await settled(serving, running=4, waiting=5)
    gate.open.set()
    await asyncio.gather(*calls, *late)
    assert gate.most == 4
    gate.open.clear()
    calls = asked(bus, 3)
    await settled(serving, running=1, waiting=2)
    gate.open.set()
    await asyncio.gather(*calls)
    await bus.drain(1)


async def test_workers_that_rest_leave_and_come_again() -> None:
    bus, gate = MemoryBus(), Gate()
    gate.open.set()
    serving = await bus.subscribe(["mads.x.*"], gate.handle, at_once=8)
    for most in (8, 2, 1, 5):
        serving.resize(most, 256)
        gate.open.clear()
        calls = asked(bus, 8)
        await settled(serving, running=most, waiting=8 - most)
        gate.open.set()
        await asyncio.gather(*calls)
    await bus.drain(1)


async def test_an_inbox_that_becomes_smaller_than_what_waits_loses_nothing() -> None:
    bus, gate = MemoryBus(), Gate()
    serving = await bus.subscribe(["mads.x.*"], gate.handle, at_once=1, capacity=8)
    calls = asked(bus, 7)
    await settled(serving, running=1, waiting=6)
    serving.resize(1, 2)
    refused = await asked(bus, 1)[0]
    assert refused.failure is not None
    assert refused.failure.code == "overloaded"
    gate.open.set()
    assert len(await asyncio.gather(*calls)) == 7
    await bus.drain(1)


async def test_what_finds_out_by_itself_how_many_keeps_that() -> None:
    bus, gate = MemoryBus(), Gate()
    serving = await bus.subscribe(["mads.x.*"], gate.handle, at_once=64, capacity=8, adapts=True)
    calls = asked(bus, 40)
    await settled(serving, running=4, waiting=8)
    serving.resize(64, 32)
    more = asked(bus, 16)
    await settled(serving, running=4, waiting=24)
    gate.open.set()
    done = await asyncio.gather(*calls, *more)
    assert sum(reply.failure is None for reply in done) == 28
    await bus.drain(1)
