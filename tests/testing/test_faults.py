"""A bad line is bad in the way that was asked for, and in the same way for the same seed."""

from __future__ import annotations

from mads.bus.memory import MemoryBus
from mads.testing.bus_suite.scene import SOON, Scene, answer, arrived, call, failure
from mads.testing.faults import Faulty

COVERS = ("R-032",)


async def heard_of_fifty(seed: int) -> list[int]:
    bus = MemoryBus()
    scene = Scene()
    await bus.subscribe(["event.note"], scene)
    line = Faulty(bus, seed, duplicate=0.3, drop=0.3)
    for number in range(50):
        await line.publish(call("event.note", number))
    await arrived(bus, bus)
    return scene.ended


async def test_a_line_loses_and_doubles_by_its_seed() -> None:
    heard = await heard_of_fifty(seed=1)

    assert heard == await heard_of_fifty(seed=1) != await heard_of_fifty(seed=2)
    assert len(set(heard)) < 50
    assert len(set(heard)) < len(heard)
    assert heard == sorted(heard)


async def test_a_request_that_is_lost_is_late_and_never_handled() -> None:
    bus = MemoryBus()
    scene = Scene()
    await bus.subscribe(["mads.echo.*"], scene)
    request = call("mads.echo.say", left=SOON)

    failure(await Faulty(bus, seed=1, drop=1).request(request), "late", request)

    assert scene.started == []


async def test_a_stream_that_is_lost_has_no_items_and_is_late() -> None:
    bus = MemoryBus()
    request = call("mads.echo.say", left=SOON)

    async with Faulty(bus, seed=1, drop=1).stream(request) as stream:
        assert [item async for item in stream] == []
        failure(stream.reply, "late", request)


async def test_a_request_that_is_doubled_is_handled_twice_and_answered_once() -> None:
    bus = MemoryBus()
    scene = Scene()
    await bus.subscribe(["mads.echo.*"], scene)

    assert answer(await Faulty(bus, seed=1, duplicate=1).request(call("mads.echo.say", "twice"))) == "twice"

    assert scene.ended == ["twice", "twice"]
