"""How many calls run at once where the bus finds that out by itself.

Covers the limit by itself, and a subscription whose handler gets slower the more of it there is. Does not cover
`mads.toml`: tests/behaviour/test_scheduling.py does.
"""

from __future__ import annotations

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.bus.gradient import FIRST, WINDOW, Gradient
from mads.bus.memory import MemoryBus
from mads.wire.call import Band, Call, Identity, Reply

COVERS = ("R-122",)

TIMES = st.lists(st.tuples(st.floats(0, 10), st.integers(1, 100)), max_size=WINDOW * 20)


def settled(capacity: int, most: int, windows: int = 200) -> Gradient:
    """Return the limit of a server that does `capacity` calls at once in a second, and more of them in turns."""
    limit = Gradient(most)
    for _ in range(windows * WINDOW):
        limit.took(max(1.0, limit.limit / capacity), limit.limit)
    return limit


@given(TIMES, st.integers(1, 64))
def test_a_limit_is_never_below_one_nor_above_the_most(times: list[tuple[float, int]], most: int) -> None:
    limit = Gradient(most)
    for seconds, at_once in times:
        limit.took(seconds, at_once)
        assert 1 <= limit.limit <= most


@given(st.integers(2, 60))
def test_it_settles_a_little_above_what_a_server_can_do_at_once(capacity: int) -> None:
    assert capacity <= settled(capacity, 1000).limit <= 2 * capacity + 8


def test_it_falls_when_calls_take_twice_as_long_and_comes_back() -> None:
    limit = settled(20, 1000)
    before = limit.limit
    for _ in range(20 * WINDOW):
        limit.took(4.0, limit.limit)
    low = limit.limit
    for _ in range(40 * WINDOW):
        limit.took(1.0, limit.limit)
    assert low < before / 2
    assert limit.limit > low


def test_what_is_not_used_does_not_grow() -> None:
    limit = Gradient(1000)
    for _ in range(100 * WINDOW):
        limit.took(1.0, 2)
    assert limit.limit == FIRST


async def test_a_subscription_that_adapts_stays_where_its_calls_do_not_get_slow() -> None:
    bus, running, most = MemoryBus(), 0, 0

    async def slower_together(_: Call) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002 * max(1.0, running / 4))
        running -= 1
        return Reply()

    await bus.subscribe(("mads.a.b",), slower_together, at_once=256, capacity=4096, adapts=True)
    asked = Call(subject="mads.a.b", body=None, id="1", deadline=time.monotonic() + 60, identity=Identity("ana"))
    replies = await asyncio.gather(*(bus.request(asked) for _ in range(600)))
    assert all(reply.failure is None for reply in replies)
    assert FIRST <= most < 64
    assert running == 0


async def test_a_subscription_that_adapts_keeps_a_quarter_of_its_places_for_what_is_more_urgent() -> None:
    bus, let, running = MemoryBus(), asyncio.Event(), set[str]()

    async def handle(call: Call) -> Reply:
        running.add(call.id)
        await let.wait()
        return Reply()

    await bus.subscribe(("mads.a.b",), handle, at_once=256, capacity=16, adapts=True)
    asked = Call(subject="mads.a.b", body=None, id="", deadline=time.monotonic() + 60, identity=Identity("ana"))
    jobs = [replace(asked, id=str(at), band=Band.BULK) for at in range(FIRST + 2)]
    sent = [asyncio.create_task(bus.request(job)) for job in jobs]
    async with asyncio.timeout(5):
        while len(running) < FIRST - 1:
            await asyncio.sleep(0)
        sent.append(asyncio.create_task(bus.request(replace(asked, id="urgent"))))
        while "urgent" not in running:
            await asyncio.sleep(0)
    assert len(running) == FIRST
    let.set()
    assert all(reply.failure is None for reply in await asyncio.gather(*sent))
