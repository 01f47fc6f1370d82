"""The end of a subscription and of a bus: everything that was taken is answered, and nothing more is taken."""

from __future__ import annotations

import asyncio

from mads.bus.port import Bus
from mads.testing.bus_suite.scene import PATIENCE, Check, Scene, answer, arrived, call, failure, sent
from mads.wire.call import Call, Reply


async def closing_a_subscription_answers_what_waits_and_cancels_what_runs(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    subscription = await server.subscribe(["mads.echo.*"], scene)
    requests = [call("mads.echo.say", number) for number in range(3)]
    asked = sent(client, *requests)
    await scene.until(lambda: scene.started == [0])
    await arrived(server, client)

    await subscription.close()

    running, *waiting = await asyncio.gather(*asked)
    failure(running, "lost", requests[0])
    for request, reply in zip(requests[1:], waiting, strict=True):
        failure(reply, "no_responder", request)
    assert scene.cancelled == [0]
    late = call("mads.echo.say")
    failure(await client.request(late), "no_responder", late)


async def a_subscription_that_closed_may_be_closed_again_and_replaced(server: Bus, client: Bus) -> None:
    subscription = await server.subscribe(["mads.echo.*"], Scene())
    assert answer(await client.request(call("mads.echo.say", "once"))) == "once"
    await subscription.close()
    await subscription.close()
    request = call("mads.echo.say")
    failure(await client.request(request), "no_responder", request)
    await server.subscribe(["mads.echo.*"], Scene())

    assert answer(await client.request(call("mads.echo.say", "again"))) == "again"


async def a_sealed_subscription_serves_what_it_took_and_what_that_sends(server: Bus, client: Bus) -> None:
    scene = Scene(held=["taken"])
    subscription = await server.subscribe(["mads.echo.*"], scene)
    (taken,) = sent(client, call("mads.echo.say", "taken"))
    await scene.until(lambda: scene.started == ["taken"])

    await subscription.seal()
    new = call("mads.echo.say", "new")
    failure(await client.request(new), "no_responder", new)
    (caused,) = sent(client, call("mads.echo.say", "caused", cause="c-1"))
    scene.gate.set()

    assert (answer(await taken), answer(await caused)) == ("taken", "caused")
    assert scene.started == ["taken", "caused"]


async def a_sealed_member_leaves_calls_to_its_group(server: Bus, client: Bus) -> None:
    scene = Scene()
    sealed = await server.subscribe(["mads.echo.*"], Scene(gate=False), group="echo")
    await server.subscribe(["mads.echo.*"], scene, group="echo")

    await sealed.seal()

    for key in ("k", "l", "m", None):
        answer(await client.request(call("mads.echo.say", key=key)))
    await client.publish(call("mads.echo.say", "event"))
    await scene.until(lambda: scene.ended == [None] * 4 + ["event"])


async def draining_finishes_what_was_taken_and_takes_nothing_more(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)

    async def handle(heard: Call) -> Reply:
        await scene(heard)
        return await server.request(call("mads.inner.say", "inner", cause=heard.id))

    await server.subscribe(["mads.outer.*"], handle)
    await server.subscribe(["mads.inner.*"], Scene())
    await server.subscribe(["mads.other.*"], Scene())
    asked = sent(client, call("mads.outer.say", 0), call("mads.outer.say", 1))
    await scene.until(lambda: scene.started == [0])
    await arrived(server, client)

    drain = asyncio.create_task(server.drain(2 * PATIENCE))
    async with asyncio.timeout(PATIENCE):
        while (await client.request(call("mads.other.say"))).failure is None:
            pass  # word of it is still on its way
    late = call("mads.outer.say", 2)
    failure(await client.request(late), "no_responder", late)
    scene.gate.set()

    assert [answer(reply) for reply in await asyncio.gather(*asked)] == ["inner", "inner"]
    async with asyncio.timeout(PATIENCE):
        await drain
    assert scene.started == [0, 1]


async def draining_cancels_what_does_not_end_in_time(server: Bus, client: Bus) -> None:
    scene = Scene(gate=False)
    await server.subscribe(["mads.echo.*"], scene)
    request = call("mads.echo.say", "held")
    (asked,) = sent(client, request)
    await scene.until(lambda: scene.started == ["held"])

    await server.drain(0)

    failure(await asked, "lost", request)
    assert scene.cancelled == ["held"]


CHECKS: tuple[Check, ...] = (
    closing_a_subscription_answers_what_waits_and_cancels_what_runs,
    a_subscription_that_closed_may_be_closed_again_and_replaced,
    a_sealed_subscription_serves_what_it_took_and_what_that_sends,
    a_sealed_member_leaves_calls_to_its_group,
    draining_finishes_what_was_taken_and_takes_nothing_more,
    draining_cancels_what_does_not_end_in_time,
)
