"""The hub: it says who calls and who may serve, whatever the process at the other end says."""

from __future__ import annotations

import asyncio
import socket

import pytest
from msgspec.structs import replace

from mads.bus.unix import Hub, Link, UnixBus, adopt
from mads.testing.bus_suite.scene import Scene, answer, call, failure, sent
from mads.wire.call import Call, Identity, Reply
from mads.wire.errors import Denied, UsageError
from tests.conformance.adapters import hub, linked

COVERS = ("R-039",)

ADMIN = Identity("admin")


class Vouching:
    """The hub's word for one child: it calls as whoever sent the call that it is handling, else as itself."""

    link: Link

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, call: Call) -> Call:
        """Return `call` as it is vouched for."""
        cause = self.link.handling.get(call.cause or "")
        above = Identity(self._name) if cause is None else cause.identity
        return replace(call, identity=replace(above, chain=(*above.chain, self._name)))

    async def child(self, hub: Hub) -> UnixBus:
        """Return the bus of a child that may serve what bears its name, and hear notes."""
        ours, theirs = socket.socketpair()
        own = {f"mads.{self._name}.*", "event.note"}
        self.link = await hub.attach(ours, vouch=self, may_serve=own.__contains__)
        return await adopt(theirs)


async def test_a_peer_calls_as_whoever_the_hub_says() -> None:
    async with hub() as (bus, between):
        scene = Scene()
        await bus.subscribe([">"], scene)
        child = await Vouching("scribe").child(between)

        answer(await child.request(call("mads.echo.say", "request", identity=ADMIN)))
        await child.publish(call("event.note", "event", identity=ADMIN))
        async with child.stream(call("mads.echo.say", "stream", identity=ADMIN)) as stream:
            assert [item async for item in stream] == []

        await scene.until(lambda: sorted(scene.ended) == ["event", "request", "stream"])
        assert {heard.identity for heard in scene.calls} == {Identity("scribe", chain=("scribe",))}


async def test_a_handler_calls_as_its_caller_and_nobody_else_does() -> None:
    async with hub() as (bus, between):
        asked = Scene()
        await bus.subscribe(["mads.echo.*"], asked)
        child = await Vouching("scribe").child(between)

        async def handle(heard: Call) -> Reply:
            return await child.request(call("mads.echo.say", cause=heard.id))

        await child.subscribe(["mads.scribe.*"], handle)
        outer = call("mads.scribe.write", identity=ADMIN)
        answer(await bus.request(outer))
        answer(await child.request(call("mads.echo.say", cause=outer.id)))

        assert [heard.identity for heard in asked.calls] == [
            Identity("admin", chain=("scribe",)),
            Identity("scribe", chain=("scribe",)),
        ]


async def test_a_call_is_vouched_for_from_the_first_byte() -> None:
    async with hub() as (bus, between):
        await bus.subscribe(["mads.echo.*"], Scene())
        ours, theirs = socket.socketpair()
        child = await adopt(theirs)
        (asked,) = sent(child, call("mads.echo.say", "early"))
        for _ in range(5):  # until it has been written
            await asyncio.sleep(0)
        vouching = Vouching("scribe")

        vouching.link = await between.attach(ours, vouch=vouching, may_serve=lambda _: False)

        assert answer(await asked) == "early"


async def test_an_event_is_handled_until_every_subscription_of_a_peer_has() -> None:
    async with hub() as (bus, between):
        vouching = Vouching("scribe")
        child = await vouching.child(between)
        quick, slow = Scene(), Scene(gate=False)
        await child.subscribe(["event.note"], quick)
        await child.subscribe(["event.note"], slow)
        event = call("event.note")

        await bus.publish(event)
        await slow.until(lambda: len(slow.started) == 1)
        await quick.until(lambda: len(quick.ended) == 1)
        await child.subscribe(["mads.scribe.*"], Scene())
        answer(await bus.request(call("mads.scribe.write")))
        assert vouching.link.handling == {event.id: event}
        slow.gate.set()


async def test_one_id_stands_for_one_call() -> None:
    async with hub() as (bus, between):
        child = await Vouching("scribe").child(between)
        scene = Scene(gate=False)
        await child.subscribe(["mads.scribe.*"], scene, at_once=2)
        first = call("mads.scribe.write", "first", identity=ADMIN)
        (asked,) = sent(bus, first)
        await scene.until(lambda: scene.started == ["first"])
        forged = replace(first, identity=Identity("somebody"))

        failure(await bus.request(forged), "invalid", forged)

        scene.gate.set()
        assert answer(await asked) == "first"


async def test_a_hub_that_does_not_vouch_denies_the_call() -> None:
    def deny(call: Call) -> Call:
        raise Denied(f"{call.subject!r} is not for you", where="hub")

    async with hub() as (bus, between):
        scene = Scene()
        await bus.subscribe([">"], scene)
        ours, theirs = socket.socketpair()
        await between.attach(ours, vouch=deny, may_serve=lambda _: True)
        child = await adopt(theirs)
        asked = call("mads.echo.say")

        assert failure(await child.request(asked), "denied", asked).where == "hub"
        with pytest.raises(Denied, match="not for you"):
            await child.publish(call("event.note"))
        assert scene.started == []


async def test_a_peer_serves_only_what_it_may() -> None:
    async with hub() as (bus, between):
        child = await Vouching("scribe").child(between)

        with pytest.raises(Denied, match=r"'mads\.turing\.\*'"):
            await child.subscribe(["mads.scribe.*", "mads.turing.*"], Scene())

        asked = call("mads.scribe.write")
        failure(await bus.request(asked), "no_responder", asked)


async def test_a_peer_has_no_more_inboxes_than_the_hub_can_hold() -> None:
    async with hub() as (_, between):
        child = await linked(between)

        with pytest.raises(UsageError, match="write 65536 or less"):
            await child.subscribe(["mads.echo.*"], Scene(), capacity=65_537)
        with pytest.raises(UsageError, match="at least 1"):
            await child.subscribe(["mads.echo.*"], Scene(), at_once=-1)
        for _ in range(256):
            await child.subscribe(["mads.echo.*"], Scene())
        with pytest.raises(Denied, match="256"):
            await child.subscribe(["mads.echo.*"], Scene())


async def test_an_answer_that_is_there_when_the_hub_closes_still_arrives() -> None:
    async with hub() as (bus, between):
        client = await linked(between)
        scene = Scene(gate=False)
        await bus.subscribe(["mads.echo.*"], scene)
        (asked,) = sent(client, call("mads.echo.say", "last"))
        await scene.until(lambda: scene.started == ["last"])

        scene.gate.set()
        await bus.drain(1)
        await between.close()

        assert answer(await asked) == "last"


async def test_a_hub_that_drains_lets_calls_end() -> None:
    async with hub() as (bus, between):
        client = await linked(between)
        scene = Scene(gate=False)
        await bus.subscribe(["mads.echo.*"], scene)
        (asked,) = sent(client, call("mads.echo.say", "slow"))
        await scene.until(lambda: scene.started == ["slow"])

        draining = asyncio.create_task(between.drain(10))
        await asyncio.sleep(0)
        scene.gate.set()

        assert answer(await asked) == "slow"
        await draining
        assert "gone" in await client.link.ended()
