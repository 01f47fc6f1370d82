"""Requests: at most once, within their deadline, and whatever goes wrong is a failure in the reply."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError

from msgspec.structs import replace

from mads.bus.port import Bus
from mads.testing.bus_suite.scene import (
    PATIENCE,
    SOON,
    SOON_ENOUGH,
    Check,
    Scene,
    Told,
    answer,
    arrived,
    call,
    failure,
    sent,
)
from mads.wire.call import Band, Call, Identity, Progress, Reply
from mads.wire.errors import Denied
from mads.wire.failure import Failure


async def a_request_brings_its_callee_everything_but_the_sink(server: Bus, client: Bus) -> None:
    scene = Scene()
    await server.subscribe(["mads.echo.*"], scene)
    identity = Identity("ana", "acme", ("gateway", "scribe"))
    request = call("mads.echo.say", {"words": ["one", 2]}, identity=identity, band=Band.URGENT, key="k", attempt=2)
    request = replace(request, trace="t" * 32, span="s" * 16, cause="c-1", conversation="talk", notes="as agreed")

    reply = await client.request(request)

    assert answer(reply) == {"words": ["one", 2]}
    (heard,) = scene.calls
    assert abs(heard.deadline - request.deadline) < 1
    assert replace(heard, deadline=request.deadline, made=request.made, body=request.body, sink=None) == request


async def each_of_many_requests_gets_its_own_reply_and_is_handled_once(server: Bus, client: Bus) -> None:
    scene = Scene()
    await server.subscribe(["mads.echo.*"], scene, at_once=4)

    replies = await asyncio.gather(*sent(client, *(call("mads.echo.say", number) for number in range(100))))

    assert [answer(reply) for reply in replies] == list(range(100))
    assert sorted(scene.started) == list(range(100))


async def a_request_that_nobody_serves_fails_at_once(server: Bus, client: Bus) -> None:
    await server.subscribe(["mads.echo.*"], Scene())
    request = call("mads.nobody.say", left=3600)

    failure(await client.request(request), "no_responder", request)


async def a_request_whose_handler_never_answers_is_late_and_its_handler_is_cancelled(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    await server.subscribe(["mads.echo.*"], scene)
    request = call("mads.echo.say", left=SOON_ENOUGH)

    failure(await client.request(request), "late", request)

    await scene.until(lambda: len(scene.cancelled) == 1)


async def a_request_that_waits_past_its_deadline_is_late_and_never_handled(server: Bus, client: Bus) -> None:
    scene = Scene(held=["first"])
    await server.subscribe(["mads.echo.*"], scene)
    (first,) = sent(client, call("mads.echo.say", "first"))
    await scene.until(lambda: scene.started == ["first"])
    request = call("mads.echo.say", "second", left=SOON)

    failure(await client.request(request), "late", request)

    scene.gate.set()
    assert answer(await first) == "first"
    assert answer(await client.request(call("mads.echo.say", "third"))) == "third"
    assert scene.started == ["first", "third"]


async def a_request_sent_after_its_deadline_is_late_and_never_handled(server: Bus, client: Bus) -> None:
    scene = Scene()
    await server.subscribe(["mads.echo.*"], scene)
    request = call("mads.echo.say", left=-1)

    failure(await client.request(request), "late", request)

    await arrived(server, client)
    assert scene.started == []


async def a_handler_that_was_late_leaves_its_place_to_the_next_call(server: Bus, client: Bus) -> None:
    scene = Scene(held=["slow"])
    await server.subscribe(["mads.echo.*"], scene)
    await client.request(call("mads.echo.say", "slow", left=SOON))

    assert answer(await client.request(call("mads.echo.say", "next"))) == "next"


async def a_full_inbox_refuses_a_request_and_says_when_to_come_back(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    await server.subscribe(["mads.echo.*"], scene, capacity=2)
    running = sent(client, call("mads.echo.say", 0))
    await scene.until(lambda: scene.started == [0])
    waiting = sent(client, call("mads.echo.say", 1), call("mads.echo.say", 2))
    await arrived(server, client)
    request = call("mads.echo.say", 3)

    refusal = failure(await client.request(request), "overloaded", request)

    assert refusal.retry_after is not None
    assert refusal.retry_after > 0
    scene.gate.set()
    assert [answer(reply) for reply in await asyncio.gather(*running, *waiting)] == [0, 1, 2]


async def who_fills_an_inbox_alone_gives_way_to_others(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    await server.subscribe(["mads.echo.*"], scene, capacity=2)
    running = sent(client, call("mads.echo.say", 0))
    await scene.until(lambda: scene.started == [0])
    crowd = [call("mads.echo.say", number) for number in (1, 2)]
    waiting = sent(client, *crowd)
    await arrived(server, client)

    (other,) = sent(client, call("mads.echo.say", 3, identity=Identity("bo")))
    await arrived(server, client)
    failure(await waiting[1], "overloaded", crowd[1])

    scene.gate.set()
    assert [answer(reply) for reply in await asyncio.gather(*running, waiting[0], other)] == [0, 1, 3]


async def an_error_in_a_handler_reaches_its_caller_with_its_cause_and_place(server: Bus, client: Bus) -> None:
    pages: dict[str, str] = {}

    async def handle(_: Call) -> Reply:
        try:
            return Reply(pages["page 7"])
        except KeyError as error:
            raise ValueError("the book is torn") from error

    await server.subscribe(["mads.dewey.*"], handle, owner="dewey")
    request = call("mads.dewey.search")

    failed = failure(await client.request(request), "failed", request)

    assert failed.message == "ValueError: the book is torn"
    assert failed.where == "dewey"
    assert failed.cause is not None
    assert failed.cause.message == "KeyError: 'page 7'"


async def a_call_error_in_a_handler_keeps_its_code(server: Bus, client: Bus) -> None:
    async def handle(_: Call) -> Reply:
        raise Denied("ana may not search", where="guard")

    await server.subscribe(["mads.dewey.*"], handle, owner="dewey")
    request = call("mads.dewey.search")

    denied = failure(await client.request(request), "denied", request)

    assert (denied.message, denied.where) == ("ana may not search", "guard")


async def a_failure_that_a_handler_returns_arrives_as_it_is(server: Bus, client: Bus) -> None:
    returned = Failure("overloaded", "later", "dewey", "r-1", 2.5, Failure("failed", "because"))

    async def handle(_: Call) -> Reply:
        return Reply(failure=returned)

    await server.subscribe(["mads.dewey.*"], handle)

    assert (await client.request(call("mads.dewey.search"))).failure == returned


async def a_handler_that_is_cancelled_from_within_fails_and_the_next_call_is_served(server: Bus, client: Bus) -> None:
    async def handle(call: Call) -> Reply:
        if call.key == "bad":
            raise CancelledError
        return Reply(call.body)

    await server.subscribe(["mads.echo.*"], handle)
    request = call("mads.echo.say", key="bad")

    failure(await client.request(request), "failed", request)
    assert answer(await client.request(call("mads.echo.say", "next"))) == "next"


async def cancelling_a_request_cancels_its_handler(server: Bus, client: Bus) -> None:
    scene = Scene(held=["held"])
    await server.subscribe(["mads.echo.*"], scene)
    (asked,) = sent(client, call("mads.echo.say", "held"))
    await scene.until(lambda: scene.started == ["held"])

    asked.cancel()

    await scene.until(lambda: scene.cancelled == ["held"])
    assert answer(await client.request(call("mads.echo.say", "next"))) == "next"
    assert asked.cancelled()


async def cancelling_a_request_that_waits_means_that_it_is_never_handled(server: Bus, client: Bus) -> None:
    scene = Scene(held=["first"])
    await server.subscribe(["mads.echo.*"], scene)
    first, second = sent(client, call("mads.echo.say", "first"), call("mads.echo.say", "second"))
    await scene.until(lambda: scene.started == ["first"])
    await arrived(server, client)

    second.cancel()
    await arrived(server, client)
    scene.gate.set()

    assert answer(await first) == "first"
    assert answer(await client.request(call("mads.echo.say", "third"))) == "third"
    assert scene.started == ["first", "third"]


async def at_most_at_once_calls_are_handled_together_and_that_many_are(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    await server.subscribe(["mads.echo.*"], scene, at_once=3)
    asked = sent(client, *(call("mads.echo.say", number) for number in range(5)))
    await scene.until(lambda: len(scene.started) == 3)
    await arrived(server, client)

    assert len(scene.started) == 3
    scene.gate.set()
    assert [answer(reply) for reply in await asyncio.gather(*asked)] == list(range(5))


async def a_call_whose_chain_holds_the_owner_does_not_wait_for_its_ancestors(server: Bus, client: Bus) -> None:
    async def handle(heard: Call) -> Reply:
        if "scribe" in heard.identity.chain:
            return Reply(heard.body)
        inner = call(
            "mads.scribe.recall", "inner", identity=Identity("ana", chain=("scribe",)), key=heard.key, cause=heard.id
        )
        return await server.request(inner)

    await server.subscribe(["mads.scribe.*"], handle, owner="scribe")

    async with asyncio.timeout(PATIENCE):
        assert answer(await client.request(call("mads.scribe.write", key="k"))) == "inner"


async def progress_reaches_the_sink_of_the_caller_before_the_reply(server: Bus, client: Bus) -> None:
    async def handle(call: Call) -> Reply:
        assert call.sink is not None
        call.sink.progress(Progress(1, 2, "half"))
        return Reply(call.body)

    await server.subscribe(["mads.echo.*"], handle)
    told = Told()

    answer(await client.request(replace(call("mads.echo.say"), sink=told)))

    assert told.progressed == [Progress(1, 2, "half")]


async def every_request_ends(server: Bus, client: Bus) -> None:
    """Hold whatever is lost, doubled or delayed on the way: each reply is an answer or `late`, and none is missing."""
    scene = Scene()
    await server.subscribe(["mads.echo.*"], scene)

    replies = await asyncio.gather(*sent(client, *(call("mads.echo.say", number, left=1) for number in range(50))))

    for number, reply in enumerate(replies):
        if reply.failure is None:
            assert answer(reply) == number
        else:
            assert reply.failure.code == "late"


CHECKS: tuple[Check, ...] = (
    a_request_brings_its_callee_everything_but_the_sink,
    each_of_many_requests_gets_its_own_reply_and_is_handled_once,
    a_request_that_nobody_serves_fails_at_once,
    a_request_whose_handler_never_answers_is_late_and_its_handler_is_cancelled,
    a_request_that_waits_past_its_deadline_is_late_and_never_handled,
    a_request_sent_after_its_deadline_is_late_and_never_handled,
    a_handler_that_was_late_leaves_its_place_to_the_next_call,
    a_full_inbox_refuses_a_request_and_says_when_to_come_back,
    who_fills_an_inbox_alone_gives_way_to_others,
    an_error_in_a_handler_reaches_its_caller_with_its_cause_and_place,
    a_call_error_in_a_handler_keeps_its_code,
    a_failure_that_a_handler_returns_arrives_as_it_is,
    a_handler_that_is_cancelled_from_within_fails_and_the_next_call_is_served,
    cancelling_a_request_cancels_its_handler,
    cancelling_a_request_that_waits_means_that_it_is_never_handled,
    at_most_at_once_calls_are_handled_together_and_that_many_are,
    a_call_whose_chain_holds_the_owner_does_not_wait_for_its_ancestors,
    progress_reaches_the_sink_of_the_caller_before_the_reply,
    every_request_ends,
)
