"""Streams: items in order, then the reply; no more ahead of their reader than there is credit."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mads.bus.port import Bus
from mads.testing.bus_suite.scene import SOON_ENOUGH, Check, Scene, Told, answer, arrived, call, failure, value
from mads.wire.call import Call, Progress, Reply


class Counting:
    """A handler that counts: `upto` items, then `then`, then the reply `"done"`."""

    def __init__(self, upto: int, then: Scene | None = None) -> None:
        self.put = 0
        self.scene = then or Scene()
        self._upto = upto

    async def __call__(self, heard: Call) -> Reply:
        """Handle `heard`."""
        assert heard.sink is not None
        for number in range(self._upto):
            await heard.sink.item(call("item", number).body)
            self.put += 1
        await self.scene(heard)
        return Reply(call("reply", "done").body)


async def a_stream_gives_its_items_in_order_and_then_its_reply(server: Bus, client: Bus) -> None:
    await server.subscribe(["mads.count.*"], Counting(50))

    async with client.stream(call("mads.count.up")) as stream:
        items = [value(item) async for item in stream]

    assert items == list(range(50))
    assert answer(stream.reply) == "done"


async def a_handler_waits_while_its_reader_gives_no_credit(server: Bus, client: Bus) -> None:
    counting = Counting(9)
    await server.subscribe(["mads.count.*"], counting)

    async with client.stream(call("mads.count.up"), credit=3) as stream:
        for read in range(9):
            await arrived(server, client)
            await arrived(server, client)
            assert counting.put <= read + 3
            assert value(await anext(aiter(stream))) == read


async def leaving_a_stream_cancels_its_handler(server: Bus, client: Bus) -> None:
    counting = Counting(2, Scene(gate=False))
    await server.subscribe(["mads.count.*"], counting)

    async with client.stream(call("mads.count.up", "held")) as stream:
        async for item in stream:
            if value(item) == 1:
                break
        await counting.scene.until(lambda: counting.scene.started == ["held"])

    await counting.scene.until(lambda: counting.scene.cancelled == ["held"])


async def leaving_a_stream_cancels_a_handler_that_waits_for_credit(server: Bus, client: Bus) -> None:
    ended = Scene()

    async def handle(heard: Call) -> Reply:
        assert heard.sink is not None
        try:
            while True:
                await heard.sink.item(heard.body)
        finally:
            await ended(heard)

    await server.subscribe(["mads.count.*"], handle)

    async with client.stream(call("mads.count.up", "ended"), credit=1) as stream:
        await anext(aiter(stream))

    await ended.until(lambda: ended.started == ["ended"])


async def a_stream_whose_handler_fails_ends_with_the_failure(server: Bus, client: Bus) -> None:
    async def handle(heard: Call) -> Reply:
        assert heard.sink is not None
        await heard.sink.item(heard.body)
        raise ValueError("torn")

    await server.subscribe(["mads.count.*"], handle)
    request = call("mads.count.up", "item")

    items, reply = await _read(client, request)

    assert items == ["item"]
    assert failure(reply, "failed", request).message == "ValueError: torn"


async def a_stream_that_nobody_serves_is_empty_and_says_so(server: Bus, client: Bus) -> None:
    del server
    request = call("mads.nobody.up", left=3600)

    items, reply = await _read(client, request)

    assert items == []
    failure(reply, "no_responder", request)


async def a_stream_that_does_not_end_in_time_is_late(server: Bus, client: Bus) -> None:
    counting = Counting(2, Scene(gate=False))
    await server.subscribe(["mads.count.*"], counting)
    request = call("mads.count.up", "held", left=SOON_ENOUGH)

    items, reply = await _read(client, request)

    assert items == [0, 1]
    failure(reply, "late", request)
    await counting.scene.until(lambda: counting.scene.cancelled == ["held"])


async def progress_of_a_stream_reaches_the_sink_of_the_caller(server: Bus, client: Bus) -> None:
    async def handle(heard: Call) -> Reply:
        assert heard.sink is not None
        heard.sink.progress(Progress(1))
        await heard.sink.item(heard.body)
        return Reply(heard.body)

    await server.subscribe(["mads.count.*"], handle)
    told = Told()

    await _read(client, replace(call("mads.count.up"), sink=told))

    assert told.progressed == [Progress(1)]


async def streams_do_not_wait_for_each_other(server: Bus, client: Bus) -> None:
    await server.subscribe(["mads.count.*"], Counting(40), at_once=2)

    async with client.stream(call("mads.count.up"), credit=1) as unread:
        items, reply = await _read(client, call("mads.count.up"))
        assert (len(items), answer(reply)) == (40, "done")
        assert [value(item) async for item in unread] == list(range(40))


async def _read(client: Bus, request: Call) -> tuple[list[Any], Reply]:
    async with client.stream(request) as stream:
        items = [value(item) async for item in stream]
        return items, stream.reply


CHECKS: tuple[Check, ...] = (
    a_stream_gives_its_items_in_order_and_then_its_reply,
    a_handler_waits_while_its_reader_gives_no_credit,
    leaving_a_stream_cancels_its_handler,
    leaving_a_stream_cancels_a_handler_that_waits_for_credit,
    a_stream_whose_handler_fails_ends_with_the_failure,
    a_stream_that_nobody_serves_is_empty_and_says_so,
    a_stream_that_does_not_end_in_time_is_late,
    progress_of_a_stream_reaches_the_sink_of_the_caller,
    streams_do_not_wait_for_each_other,
)
