"""Events: at most once to every subscription, to one member of each group; and which patterns match."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from mads.bus.port import Bus
from mads.testing.bus_suite.scene import SOON, SOON_ENOUGH, Check, Scene, answer, arrived, call, failure, sent
from mads.wire.errors import UsageError

MATCHING = (
    ("event.note", "event.note"),
    ("event.*", "event.note"),
    ("*.note", "event.note"),
    ("*", "event"),
    ("event.*.v1", "event.note.v1"),
    ("event.>", "event.note"),
    ("event.>", "event.note.v1"),
    (">", "event"),
    ("*.>", "event.note.v1"),
)

NOT_MATCHING = (
    ("event.note", "event.not"),
    ("event.note", "event.note.v1"),
    ("event.note.v1", "event.note"),
    ("event.*", "event"),
    ("event.*", "event.note.v1"),
    ("event.>", "event"),
    ("*.>", "event"),
    ("event.>", "events.note"),
)

INVALID = (
    "",
    ".",
    "event.",
    ".event",
    "event..note",
    "event.>.v1",
    "event.no*",
    "event.>note",
    "event. note",
    "event.\n",
)


async def an_event_reaches_every_subscription_and_one_member_of_each_group(server: Bus, client: Bus) -> None:
    alone, also_alone, grouped = scenes = [Scene() for _ in range(3)]
    await server.subscribe(["event.*"], alone)
    await server.subscribe(["event.note"], also_alone)
    await server.subscribe(["event.*"], grouped, group="scribe")
    await server.subscribe([">"], grouped, group="scribe")

    for number in range(20):
        await client.publish(call("event.note", number))
    for scene in scenes:
        await _handled(scene, 20)

    assert [sorted(scene.started) for scene in scenes] == [list(range(20))] * 3


async def _handled(scene: Scene, count: int) -> None:
    await scene.until(lambda: len(scene.ended) == count)


async def an_event_reaches_a_subscription_at_most_once(server: Bus, client: Bus) -> None:
    """Hold whatever is lost on the way, and in this order."""
    scene = Scene()
    await server.subscribe(["event.*", "event.note", ">"], scene)

    for number in range(50):
        await client.publish(call("event.note", number))
    await arrived(server, client)

    assert scene.started == sorted(set(scene.started))


async def an_event_that_nobody_hears_is_no_error(server: Bus, client: Bus) -> None:
    scene = Scene()
    await server.subscribe(["event.note"], scene)

    await client.publish(call("event.other"))

    await arrived(server, client)
    assert scene.started == []


async def a_full_inbox_drops_events_and_counts_them(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    subscription = await server.subscribe(["event.note"], scene, capacity=2)
    await client.publish(call("event.note", 0))
    await scene.until(lambda: scene.started == [0])

    for number in range(1, 6):
        await client.publish(call("event.note", number))
    await arrived(server, client)

    assert (subscription.waiting, subscription.dropped) == (2, 3)
    scene.gate.set()
    await scene.until(lambda: scene.ended == [0, 1, 2])


async def an_event_that_waits_past_its_deadline_is_dropped(server: Bus, client: Bus) -> None:
    scene = Scene(held=["slow"])
    subscription = await server.subscribe(["event.note"], scene)
    await client.publish(call("event.note", "slow"))
    await scene.until(lambda: scene.started == ["slow"])
    await client.publish(call("event.note", "stale", left=SOON))
    request = call("event.note", left=2 * SOON)
    failure(await client.request(request), "late", request)

    scene.gate.set()
    await client.publish(call("event.note", "next"))

    await scene.until(lambda: scene.ended == ["slow", "next"])
    assert subscription.dropped == 1


async def an_event_that_is_not_handled_by_its_deadline_is_cancelled(server: Bus, client: Bus) -> None:
    scene = Scene(held=["slow"])
    subscription = await server.subscribe(["event.note"], scene)

    await client.publish(call("event.note", "slow", left=SOON_ENOUGH))

    await scene.until(lambda: scene.cancelled == ["slow"])
    await client.publish(call("event.note", "next"))
    await scene.until(lambda: scene.ended == ["next"])
    assert subscription.dropped == 1


async def a_publisher_does_not_wait_for_those_who_hear(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    await server.subscribe(["event.note"], scene)

    await client.publish(call("event.note", "one"))

    assert scene.ended == []
    scene.gate.set()
    await scene.until(lambda: scene.ended == ["one"])


async def a_pattern_reaches_what_it_matches_and_nothing_else(server: Bus, client: Bus) -> None:
    for pattern, subject in MATCHING:
        await matches(server, client, pattern, subject, expected=True)
    for pattern, subject in NOT_MATCHING:
        await matches(server, client, pattern, subject, expected=False)


async def matches(server: Bus, client: Bus, pattern: str, subject: str, *, expected: bool) -> None:
    """Check that a subscription to `pattern` is, or is not, asked what is sent to `subject`."""
    subscription = await server.subscribe([pattern], Scene())
    request = call(subject, "here")
    reply = await client.request(request)
    await subscription.close()
    if expected:
        assert answer(reply) == "here", (pattern, subject)
    else:
        failure(reply, "no_responder", request)


async def what_is_no_pattern_is_refused(server: Bus, client: Bus) -> None:
    del client
    for pattern in INVALID:
        assert await _refused(server, [pattern]), pattern
    assert await _refused(server, [])
    assert await _refused(server, ["event.note"], at_once=0)
    assert await _refused(server, ["event.note"], capacity=0)


async def _refused(server: Bus, patterns: Sequence[str], *, at_once: int = 1, capacity: int = 1) -> bool:
    try:
        await server.subscribe(patterns, Scene(), at_once=at_once, capacity=capacity)
    except UsageError:
        return True
    return False


async def a_request_goes_to_the_most_exact_pattern(server: Bus, client: Bus) -> None:
    patterns = (">", "mads.>", "mads.*.say", "mads.echo.*", "mads.echo.say")
    for pattern in patterns:
        scene = Scene()
        await server.subscribe([pattern], scene)

        answer(await client.request(call("mads.echo.say", pattern)))

        assert scene.started == [pattern]


async def a_request_goes_to_the_member_of_a_group_that_has_the_least_to_do(server: Bus, client: Bus) -> None:
    scenes = [Scene(gate=False) for _ in range(3)]
    for scene in scenes:
        await server.subscribe(["mads.echo.*"], scene, group="echo")

    asked = sent(client, *(call("mads.echo.say", number) for number in range(6)))
    await arrived(server, client)
    for scene in scenes:
        scene.gate.set()
    replies = await asyncio.gather(*asked)

    assert [answer(reply) for reply in replies] == list(range(6))
    assert Counter(len(scene.started) for scene in scenes) == {2: 3}


CHECKS: tuple[Check, ...] = (
    an_event_reaches_every_subscription_and_one_member_of_each_group,
    an_event_reaches_a_subscription_at_most_once,
    an_event_that_nobody_hears_is_no_error,
    a_full_inbox_drops_events_and_counts_them,
    an_event_that_waits_past_its_deadline_is_dropped,
    an_event_that_is_not_handled_by_its_deadline_is_cancelled,
    a_publisher_does_not_wait_for_those_who_hear,
    a_pattern_reaches_what_it_matches_and_nothing_else,
    what_is_no_pattern_is_refused,
    a_request_goes_to_the_most_exact_pattern,
    a_request_goes_to_the_member_of_a_group_that_has_the_least_to_do,
)
