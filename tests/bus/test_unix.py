"""The bus over a Unix socket beyond the port: what breaks a link breaks nothing else, and nobody hangs."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from mads.bus.unix import Hub, UnixBus, adopt
from mads.bus.unix.frames import MAX_FRAME, AnyFrame, Cancel, Credit, Item, Load, Request, Subscribe, Unpacker, pack
from mads.testing.bus_suite.scene import PATIENCE, SOON, Scene, Told, answer, call, failure, sent, value
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import Lost, NoResponder
from tests.conformance.adapters import hub, linked

COVERS = ("R-032", "R-053")


class Stranger:
    """The bare other end of a link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._unpacker = Unpacker()
        self.write = writer.write

    def send(self, *frames: AnyFrame) -> None:
        """Send `frames`."""
        self.write(b"".join(map(pack, frames)))

    async def read(self) -> list[AnyFrame]:
        """Return the frames that come next; none once the connection has ended."""
        return list(self._unpacker.feed(await self._reader.read(65536)))


@asynccontextmanager
async def stranger(sock: socket.socket) -> AsyncGenerator[Stranger]:
    reader, writer = await asyncio.open_unix_connection(sock=sock)
    try:
        yield Stranger(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def stranger_at(hub: Hub) -> AsyncGenerator[Stranger]:
    ours, theirs = socket.socketpair()
    await hub.attach(ours, vouch=lambda call: call, may_serve=lambda _: True)
    async with stranger(theirs) as it:
        yield it


@asynccontextmanager
async def without_hub() -> AsyncGenerator[tuple[UnixBus, socket.socket]]:
    """Yield a bus, and the other end of its link, which nobody reads."""
    ours, theirs = socket.socketpair()
    bus = await adopt(ours)
    with theirs:
        yield bus, theirs
    await bus.drain(0)


def open_descriptors() -> list[str]:
    """Return the descriptors that this process has open; the one that reads them is among them each time."""
    return sorted(path.name for path in Path("/dev/fd").iterdir())


def request(no: int, *, credit: int | None = None, **fields: Any) -> Request:
    return Request(no, credit, codec.to_wire(call("mads.echo.say", **fields)))


@pytest.mark.parametrize(
    "sent_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        (MAX_FRAME + 1).to_bytes(4, "big"),
        b"\0\0\0\0",
        pack(request(1)) * 2,
        pack(Load(1, 1, 1)),
    ],
    ids=["another protocol", "too long", "empty", "a number used twice", "what only a hub says"],
)
async def test_a_peer_that_breaks_the_protocol_is_cut_off_and_nobody_else(
    sent_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with hub() as (bus, between), stranger_at(between) as peer:
        other = await linked(between)
        await bus.subscribe(["mads.echo.*"], Scene(held=[None]), at_once=2)

        peer.write(sent_bytes)

        async with asyncio.timeout(PATIENCE):
            while await peer.read():
                pass
        assert "broke the protocol" in caplog.text
        assert answer(await other.request(call("mads.echo.say", "still here"))) == "still here"


@settings(deadline=None, max_examples=50)
@given(data=st.binary(min_size=1, max_size=300))
async def test_no_bytes_break_the_hub(data: bytes) -> None:
    async with hub() as (bus, between), stranger_at(between) as peer:
        await bus.subscribe(["mads.echo.*"], Scene())
        peer.write(data)
        peer.write(len(data).to_bytes(4, "big") + data)

        other = await linked(between)

        assert answer(await other.request(call("mads.echo.say", "still here"))) == "still here"


async def test_frames_about_what_has_ended_are_ignored() -> None:
    async with hub() as (bus, between), stranger_at(between) as peer:
        await bus.subscribe(["mads.echo.*"], Scene())

        peer.send(Cancel(7), Credit(7), Item(7, Raw(codec.encode("late"))), request(8, value="here"))

        (reply,) = await peer.read()
        assert reply.no == 8


async def test_more_items_than_credit_break_the_link() -> None:
    async with hub() as (bus, between), stranger_at(between) as peer:
        peer.send(Subscribe(1, ("mads.count.*",), None, None, 1, 1))
        await peer.read()
        asked = call("mads.count.up")

        async with bus.stream(asked, credit=1) as stream:
            (deliver,) = await peer.read()
            peer.send(*(Item(deliver.no, Raw(codec.encode(number))) for number in range(9)))
            items = [item async for item in stream]

        assert len(items) <= 1
        failure(stream.reply, "lost", asked)


async def test_a_peer_that_does_not_read_holds_up_nobody_else() -> None:
    async with hub() as (bus, between), stranger_at(between) as silent:
        other = await linked(between)
        await bus.subscribe(["mads.echo.*"], Scene(), at_once=4)
        silent.send(*(request(number, value="x" * 100_000) for number in range(1, 40)))

        replies = await asyncio.gather(*sent(other, *(call("mads.echo.say", number) for number in range(100))))

        assert [answer(reply) for reply in replies] == list(range(100))


async def test_a_peer_that_sends_without_end_leaves_the_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mads.bus.unix.link.TURN", 8)
    taken: Counter[int] = Counter()
    turns = 0

    def vouch(call: Call) -> Call:
        taken[turns] += 1
        return call

    async with hub() as (bus, between):
        scene = Scene()
        await bus.subscribe(["mads.echo.*"], scene, capacity=1000)
        ours, theirs = socket.socketpair()
        await between.attach(ours, vouch=vouch, may_serve=lambda _: True)
        async with stranger(theirs) as it, asyncio.timeout(PATIENCE):
            it.send(*(request(number) for number in range(100)))
            while len(scene.ended) < 100:
                turns += 1
                await asyncio.sleep(0)

    assert max(taken.values()) <= 8


async def test_a_peer_that_has_too_many_calls_under_way_is_refused_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mads.bus.unix.link.MAX_OPEN", 2)
    async with hub() as (bus, between):
        client = await linked(between)
        scene = Scene(gate=False)
        await bus.subscribe(["mads.echo.*"], scene, at_once=4)
        taken = sent(client, call("mads.echo.say", 1), call("mads.echo.say", 2))
        await scene.until(lambda: scene.started == [1, 2])
        asked = call("mads.echo.say", 3)

        assert failure(await client.request(asked), "overloaded", asked).retry_after

        scene.gate.set()
        assert [answer(reply) for reply in await asyncio.gather(*taken)] == [1, 2]


async def test_a_peer_that_asks_and_asks_and_never_reads_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mads.bus.unix.link.MAX_OPEN", 1)
    monkeypatch.setattr("mads.bus.unix.outbox.MAX_BACKLOG", 100_000)
    async with hub() as (bus, between), stranger_at(between) as silent:
        scene = Scene(gate=False)
        await bus.subscribe(["mads.echo.*"], scene)
        silent.send(*(request(number) for number in range(20_000)))

        await scene.until(lambda: scene.cancelled == [None])

        assert "unread" in caplog.text


async def test_a_hundred_conversations_lose_nothing() -> None:
    async with hub() as (_, between):
        server, client = await linked(between), await linked(between)
        await server.subscribe(["mads.echo.*"], Scene(), at_once=8)

        async def talk(name: int) -> list[str]:
            return [answer(await client.request(call("mads.echo.say", f"{name}-{turn}"))) for turn in range(20)]

        said = await asyncio.gather(*(talk(name) for name in range(100)))

        assert said == [[f"{name}-{turn}" for turn in range(20)] for name in range(100)]


async def test_a_hub_that_hangs_makes_a_request_late() -> None:
    async with without_hub() as (bus, _):
        asked = call("mads.echo.say", left=SOON)
        failure(await bus.request(asked), "late", asked)

        listened = replace(call("mads.echo.say", left=SOON), sink=Told())
        failure(await bus.request(listened), "late", listened)


async def test_a_hub_that_reads_nothing_makes_what_waits_to_be_sent_late() -> None:
    async with without_hub() as (bus, _):
        requests = [call("mads.echo.say", "x" * 1_000_000, left=SOON) for _ in range(5)]

        replies = await asyncio.gather(*sent(bus, *requests))

        for asked, reply in zip(requests, replies, strict=True):
            failure(reply, "late", asked)


async def test_cancelling_what_waits_to_be_sent_sends_nothing() -> None:
    async with without_hub() as (bus, theirs):
        big, cancelled, small = (
            asyncio.create_task(bus.request(call("mads.echo.say", body))) for body in ("x" * 1_000_000, "no", "small")
        )
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])

        async with stranger(theirs.dup()) as peer:
            requests: list[AnyFrame] = []
            while len(requests) < 2:
                requests += await peer.read()
        bodies = [value(frame.call.body) for frame in requests if isinstance(frame, Request)]
        assert bodies == ["x" * 1_000_000, "small"]
        big.cancel()
        small.cancel()


async def test_what_a_hub_did_not_answer_before_it_went_is_lost_and_later_calls_reach_nobody() -> None:
    async with without_hub() as (bus, theirs):
        asked, told, streamed = call("mads.echo.say"), call("event.note"), call("mads.count.up")
        (waiting,) = sent(bus, asked)
        publishing = asyncio.create_task(bus.publish(told))
        async with bus.stream(streamed) as stream:
            theirs.shutdown(socket.SHUT_RDWR)
            assert [item async for item in stream] == []

        failure(stream.reply, "lost", streamed)
        failure(await waiting, "lost", asked)
        with pytest.raises(Lost):
            await publishing
        assert "gone" in await bus.link.ended()
        failure(await bus.request(asked), "no_responder", asked)
        with pytest.raises(NoResponder):
            await bus.publish(told)
        with pytest.raises(NoResponder):
            await bus.subscribe(["mads.echo.*"], Scene())


async def test_what_a_process_was_handling_when_it_went_is_lost_and_what_waited_for_it_reaches_nobody() -> None:
    async with hub() as (bus, between):
        scene = Scene(gate=False)
        server = await linked(between)
        await server.subscribe(["mads.echo.*"], scene, owner="echo")
        running, waiting = call("mads.echo.say", 1), call("mads.echo.say", 2)
        asked = sent(bus, running, waiting)
        await scene.until(lambda: scene.started == [1])

        await server.link.close()

        first, second = await asyncio.gather(*asked)
        assert failure(first, "lost", running).where == "echo"
        failure(second, "no_responder", waiting)
        assert scene.cancelled == [1]
        failure(await bus.request(running), "no_responder", running)


async def test_a_body_that_cannot_travel_is_invalid_and_the_link_goes_on() -> None:
    async with hub() as (_, between):
        client = await linked(between)
        await client.subscribe(["mads.echo.*"], Scene())
        for body in (object(), bytes(codec.MAX_BYTES)):
            asked = replace(call("mads.echo.say"), body=body)
            failure(await client.request(asked), "invalid", asked)
            async with client.stream(asked) as stream:
                assert [item async for item in stream] == []
            failure(stream.reply, "invalid", asked)

        assert answer(await client.request(call("mads.echo.say", "x" * 10_000_000))) == "x" * 10_000_000


async def test_a_reply_that_cannot_travel_is_invalid() -> None:
    async def handle(_: Call) -> Reply:
        return Reply(object())

    async with hub() as (bus, between):
        server = await linked(between)
        await server.subscribe(["mads.echo.*"], handle, owner="echo")
        asked = call("mads.echo.say")

        assert failure(await bus.request(asked), "invalid", asked).where == "echo"


async def test_closing_leaves_no_task_and_no_descriptor() -> None:
    async def come_and_go() -> tuple[set[asyncio.Task[Any]], list[str]]:
        async with hub() as (_, between):
            server, client = await linked(between), await linked(between)
            await server.subscribe(["mads.echo.*"], Scene(gate=False))
            asked = sent(client, *(call("mads.echo.say") for _ in range(3)))
            await asyncio.sleep(0)
        await asyncio.gather(*asked)
        await server.drain(0)
        await client.drain(0)
        for _ in range(5):  # the loop closes descriptors in its own time
            await asyncio.sleep(0)
        return asyncio.all_tasks(), open_descriptors()

    assert await come_and_go() == await come_and_go()
    assert asyncio.all_tasks() == {asyncio.current_task()}
