"""What the in-memory bus promises beyond the port: by reference, nothing left behind, no one shut out of the loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from contextvars import ContextVar
from typing import Any

import pytest
from msgspec.structs import replace

from mads.bus.memory import MemoryBus
from mads.testing.bus_suite.scene import SOON, Scene, answer, arrived, call, failure, sent
from mads.wire.call import Call, Identity, Reply
from mads.wire.errors import UsageError

COVERS = ("R-033", "R-036")

mark: ContextVar[str] = ContextVar("mark", default="none")


class Thing:
    """A body that can be watched."""


async def echo(heard: Call) -> Reply:
    return Reply(heard.body)


async def test_a_body_travels_by_reference() -> None:
    bus = MemoryBus()
    await bus.subscribe(["mads.echo.*"], echo)
    thing = Thing()

    reply = await bus.request(replace(call("mads.echo.say"), body=thing))

    assert reply.body is thing


async def test_a_call_that_ended_is_forgotten_however_far_its_deadline_is() -> None:
    bus = MemoryBus()
    await bus.subscribe(["mads.echo.*"], echo)
    thing = Thing()
    watched = weakref.ref(thing)
    await bus.request(replace(call("mads.echo.say", left=3600), body=thing))
    await bus.publish(replace(call("mads.echo.say", left=3600), body=thing))
    await arrived(bus, bus)

    del thing

    assert watched() is None


async def test_a_quick_handler_hears_more_events_in_a_row_than_its_inbox_holds() -> None:
    bus = MemoryBus()
    scene = Scene()
    subscription = await bus.subscribe(["event.note"], scene, capacity=8)

    for number in range(100):
        await bus.publish(call("event.note", number))

    await scene.until(lambda: len(scene.ended) == 100)
    assert subscription.dropped == 0


async def test_a_handler_that_feeds_itself_leaves_the_loop_to_others() -> None:
    bus = MemoryBus()

    async def again(heard: Call) -> Reply:
        await bus.publish(heard)
        return Reply()

    endless = await bus.subscribe(["event.again"], again)
    await bus.subscribe(["mads.echo.*"], echo)
    await bus.publish(call("event.again"))

    assert answer(await bus.request(call("mads.echo.say", "here"))) == "here"
    await endless.close()


async def test_the_loop_is_told_of_an_error_that_no_caller_sees() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    bus = MemoryBus()
    error = ValueError("torn")

    async def tear(_: Call) -> Reply:
        raise error

    await bus.subscribe(["event.note"], tear, owner="scribe")
    event = call("event.note")
    await bus.publish(event)
    await arrived(bus, bus)

    assert told == [{"message": f"'scribe' failed at 'event.note', request {event.id!r}", "exception": error}]


async def test_a_refusal_says_when_what_waits_will_be_done_at_the_pace_so_far() -> None:
    bus = MemoryBus()
    scene = Scene(gate=False)
    await bus.subscribe(["mads.echo.*"], scene, capacity=3)
    asked = sent(bus, call("mads.echo.say"))
    await scene.until(lambda: len(scene.started) == 1)
    late = call("mads.echo.say", left=SOON)
    failure(await bus.request(late), "late", late)
    asked += sent(bus, *(call("mads.echo.say") for _ in range(3)))
    await asyncio.sleep(0)
    request = call("mads.echo.say")

    refusal = failure(await bus.request(request), "overloaded", request)

    assert refusal.retry_after is not None
    assert refusal.retry_after >= SOON * 3
    scene.gate.set()
    await asyncio.gather(*asked)


async def test_the_time_before_the_first_call_is_none_that_who_is_refused_waits_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus, scene, hour = MemoryBus(), Scene(gate=False), 3600
    await bus.subscribe(["mads.echo.*"], scene, capacity=3)
    monkeypatch.setattr("mads.bus.serving.monotonic", lambda: time.monotonic() + hour)
    asked = sent(bus, call("mads.echo.say", left=2 * hour))
    await scene.until(lambda: len(scene.started) == 1)
    asked += sent(bus, *(call("mads.echo.say", left=2 * hour) for _ in range(3)))
    await asyncio.sleep(0)
    request = call("mads.echo.say", left=2 * hour)

    refusal = failure(await bus.request(request), "overloaded", request)

    assert refusal.retry_after is not None
    assert refusal.retry_after < hour
    scene.gate.set()
    await asyncio.gather(*asked)


async def test_what_waited_past_its_deadline_while_the_loop_was_held_up_is_never_handled() -> None:
    bus = MemoryBus()
    second = call("mads.echo.say", "second", left=SOON)
    started: list[Call] = []

    async def hold_up(heard: Call) -> Reply:
        started.append(heard)
        while second.remaining() > 0:
            pass
        return Reply(heard.body)

    await bus.subscribe(["mads.echo.*"], hold_up)

    first, late = await asyncio.gather(*sent(bus, call("mads.echo.say", "first"), second))

    assert answer(first) == "first"
    failure(late, "late", second)
    assert len(started) == 1


async def test_a_handler_that_swallows_its_cancellation_leaves_no_trace_in_the_next_call() -> None:
    bus = MemoryBus()

    async def handle(heard: Call) -> Reply:
        if heard.key == "swallow":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return Reply()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        return Reply(heard.body)

    await bus.subscribe(["mads.echo.*"], handle)
    late = call("mads.echo.say", key="swallow", left=SOON)
    failure(await bus.request(late), "late", late)

    assert answer(await bus.request(call("mads.echo.say", "next"))) == "next"


def test_a_loop_ends_although_a_handler_swallows_its_cancellation() -> None:
    ended: list[Reply] = []

    async def handle(heard: Call) -> Reply:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return Reply(heard.body)

    async def main() -> None:
        bus = MemoryBus()
        await bus.subscribe(["mads.echo.*"], handle)
        (asked,) = sent(bus, call("mads.echo.say"))
        asked.add_done_callback(lambda asked: None if asked.cancelled() else ended.append(asked.result()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())

    assert ended == []


async def test_a_worker_that_somebody_cancels_says_lost_and_is_replaced() -> None:
    bus = MemoryBus()
    scene = Scene(held=["held"])
    await bus.subscribe(["mads.echo.*"], scene)
    before = asyncio.all_tasks()
    request = call("mads.echo.say", "held")
    (asked,) = sent(bus, request)
    await scene.until(lambda: scene.started == ["held"])
    (worker,) = asyncio.all_tasks() - before - {asked}

    worker.cancel()

    failure(await asked, "lost", request)
    assert answer(await bus.request(call("mads.echo.say", "next"))) == "next"


async def test_a_handler_runs_in_the_context_of_its_subscriber() -> None:
    bus = MemoryBus()

    async def handle(_: Call) -> Reply:
        return Reply(mark.get())

    mark.set("subscriber")
    await bus.subscribe(["mads.echo.*"], handle, owner="echo")
    mark.set("caller")

    assert answer(await bus.request(call("mads.echo.say"))) == "subscriber"
    assert (
        answer(await bus.request(call("mads.echo.say", identity=Identity("ana", chain=("echo",)), cause="above")))
        == "subscriber"
    )


async def test_a_handler_may_close_its_own_subscription_and_still_answers() -> None:
    bus = MemoryBus()

    async def handle(heard: Call) -> Reply:
        await subscription.close()
        return Reply(heard.body)

    subscription = await bus.subscribe(["mads.echo.*"], handle)

    assert answer(await bus.request(call("mads.echo.say", "last"))) == "last"


async def test_calls_that_skip_the_queue_are_bounded_and_can_be_cancelled() -> None:
    bus = MemoryBus()
    scene = Scene(gate=False)
    await bus.subscribe(["mads.echo.*"], scene, owner="echo", capacity=2)
    requests = [
        call("mads.echo.say", number, identity=Identity("ana", chain=("echo",)), cause="above") for number in range(3)
    ]

    first, second, third = sent(bus, *requests)
    failure(await third, "overloaded", requests[2])
    await scene.until(lambda: scene.started == [0, 1])
    first.cancel()
    await scene.until(lambda: scene.cancelled == [0])
    scene.gate.set()

    assert answer(await second) == 1


async def test_an_answer_that_is_not_settled_yet_holds_up_its_caller_alone() -> None:
    bus, open_ = MemoryBus(), list[asyncio.Future[None]]()

    async def refuses(heard: Call) -> Reply:
        if heard.subject == "mads.echo.say":
            return Reply(heard.body)
        open_.append(asyncio.get_running_loop().create_future())
        return Reply(heard.body, settled=open_[-1])

    await bus.subscribe(["mads.echo.*"], refuses, at_once=1, capacity=3)
    late = call("mads.echo.no", left=0.05)
    *refused, last = sent(bus, call("mads.echo.no", 0), call("mads.echo.no", 1), late)
    failure(await last, "late", late)
    async with asyncio.timeout(SOON):
        assert answer(await bus.request(call("mads.echo.say", "allowed"))) == "allowed"
    assert not any(one.done() for one in refused)

    for one in open_[:2]:
        one.set_result(None)
    assert [answer(reply) for reply in await asyncio.gather(*refused)] == [0, 1]


async def test_a_bus_that_drains_takes_no_subscription() -> None:
    bus = MemoryBus()
    await bus.drain(0)

    with pytest.raises(UsageError, match="no new subscription"):
        await bus.subscribe(["mads.echo.*"], echo)
