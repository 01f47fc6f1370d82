"""HTTP/1.1 as the broker reads it: what an answer may be, where it ends, and what a connection is used for after it.

Covers answers byte by byte on real sockets, hostile ones among them. Does not cover what the broker makes of them
(`test_broker.py`).
"""

from __future__ import annotations

import asyncio

import httpcore2
import pytest

from mads.egress.broker import _context  # pyright: ignore[reportPrivateUsage]  whom everybody trusts
from mads.egress.network import CheckedNetwork, system_resolver
from mads.egress.pool import AT_ONCE, SILENCE, Pool, Request
from mads.egress.target import target
from tests.egress.outside import Outside, outside

COVERS = ("R-106",)
OK = b"HTTP/1.1 200 OK\r\n"
MEASURED = OK + b"content-length: 3\r\n\r\nend"


def pool_of(silence: float = SILENCE) -> Pool:
    """Return connections to wherever, whose other sides may be silent for so long."""
    return Pool(CheckedNetwork(system_resolver), _context(None), silence)


async def asked(pool: Pool, it: Outside, method: str = "GET") -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    response = await pool.ask(Request(method, target(it.url()), [(b"host", b"x")]))
    try:
        return response.status, b"".join([part async for part in response])
    finally:
        await response.close()


async def come_to(*answers: bytes, method: str = "GET", closes: bool = False) -> tuple[list[tuple[int, bytes]], int]:
    """Return what `answers` are read as, and over how many connections."""
    left, connections = list(answers), set[object]()

    async def respond(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        writer.write(left.pop(0))
        if closes:
            await writer.drain()
            writer.close()

    pool = pool_of()
    try:
        async with outside(respond) as it:
            return [await asked(pool, it, method) for _ in answers], len(connections)
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (MEASURED, 200, b"end"),
        (OK + b"transfer-encoding: chunked\r\n\r\n2\r\nen\r\n1\r\nd\r\n0\r\n\r\n", 200, b"end"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + MEASURED, 200, b"end"),
        (OK + b"content-length: 0\r\n\r\n", 200, b""),
    ],
)
async def test_an_answer_ends_where_it_says_and_its_connection_takes_the_next_request(
    answer: bytes, status: int, body: bytes
) -> None:
    assert await come_to(answer, answer) == ([(status, body)] * 2, 1)


@pytest.mark.parametrize(
    ("answer", "method", "read"),
    [
        (MEASURED + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged", "GET", (200, b"end")),
        (OK + b"connection: close\r\ncontent-length: 3\r\n\r\nend", "GET", (200, b"end")),
        (OK + b"content-length: 3\r\n\r\n", "HEAD", (200, b"")),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n", "GET", (304, b"")),
        (b"HTTP/1.1 204 No Content\r\n\r\nforged", "GET", (204, b"")),
    ],
)
async def test_a_connection_is_not_used_again_where_more_may_come_than_was_asked_for(
    answer: bytes, method: str, read: tuple[int, bytes]
) -> None:
    assert await come_to(answer, answer, method=method) == ([read] * 2, 2)


@pytest.mark.parametrize(("method", "is_repeated"), [("GET", True), ("PUT", True), ("POST", False)])
async def test_what_is_hung_up_on_before_it_is_heard_is_asked_again_where_that_does_nothing_twice(
    method: str, *, is_repeated: bool
) -> None:
    async def respond(it: Outside, _: bytes, writer: asyncio.StreamWriter) -> None:
        if len(it.asked) == 2:  # over the connection that the first request left
            writer.close()
        else:
            writer.write(MEASURED)

    pool = pool_of()
    async with outside(respond) as it:
        await asked(pool, it, method)
        if is_repeated:
            assert await asked(pool, it, method) == (200, b"end")
        else:
            with pytest.raises(httpcore2.RemoteProtocolError, match="hung up without an answer"):
                await asked(pool, it, method)
        assert len(it.asked) == 2 + is_repeated
    await pool.close()


async def test_who_hangs_up_on_a_new_connection_is_not_asked_again() -> None:
    async def respond(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    pool = pool_of()
    async with outside(respond) as it:
        with pytest.raises(httpcore2.RemoteProtocolError, match="hung up without an answer"):
            await asked(pool, it)
        assert len(it.asked) == 1
    await pool.close()


async def test_an_answer_of_no_length_ends_with_its_connection() -> None:
    assert await come_to(OK + b"\r\nend", closes=True) == ([(200, b"end")], 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        OK + b"content-length: 4\r\n\r\nend",
        OK + b"transfer-encoding: chunked\r\n\r\n3\r\nend\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\nend\r\n",
        OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nend",
        OK + b"content-length: -3\r\n\r\nend",
        OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"x: " + b"x" * 200_000,
        OK + b"x: x\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
    ],
)
async def test_what_is_no_whole_answer_is_an_error(answer: bytes) -> None:
    with pytest.raises((httpcore2.RemoteProtocolError, httpcore2.ReadError)):
        await come_to(answer, closes=True)


async def test_a_silent_server_is_waited_for_no_longer_than_that() -> None:
    async def silent(_: Outside, __: bytes, ___: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    pool = pool_of(silence=0.01)
    async with outside(silent) as it:
        with pytest.raises(httpcore2.ReadTimeout):
            await asked(pool, it)
    await pool.close()


async def test_the_first_event_comes_at_once_and_those_that_follow_it_closely_come_together() -> None:
    go, event = asyncio.Event(), b"6\r\ndata\n\n\r\n"

    async def talk(_: Outside, asks: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + event)
        assert asks.startswith(b"GET ")
        await go.wait()
        for __ in range(50):
            writer.write(event)
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    pool = pool_of()
    async with outside(talk) as it, asyncio.timeout(5):
        response = await pool.ask(Request("GET", target(it.url())))
        pieces: list[bytes] = []
        async for piece in response:
            pieces.append(piece)
            go.set()
        await response.close()
    await pool.close()
    assert b"".join(pieces) == b"data\n\n" * 51
    assert pieces[0] == b"data\n\n"
    assert len(pieces) < 10


async def test_a_large_answer_is_read_no_further_than_somebody_wants_it() -> None:
    sent = 0

    async def flood(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    pool = pool_of()
    async with outside(flood) as it:
        response = await pool.ask(Request("GET", target(it.url())))
        before = -1
        while sent != before:
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < 64 * 1024 * 1024
        await response.close()
    await pool.close()


async def test_no_more_connections_are_open_than_there_may_be_and_who_waits_gets_the_next_place() -> None:
    open_, most, go = set[object](), 0, asyncio.Event()

    async def respond(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        open_.add(writer)
        most = max(most, len(open_))
        if len(open_) == AT_ONCE:
            go.set()
        await go.wait()
        writer.write(MEASURED)

    pool = pool_of()
    async with outside(respond) as it, asyncio.timeout(5):
        answers = await asyncio.gather(*(asked(pool, it) for _ in range(AT_ONCE + 8)))
        assert answers == [(200, b"end")] * (AT_ONCE + 8)
        assert most == AT_ONCE
        left = asyncio.create_task(asked(pool, it))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        assert len(await asyncio.gather(*(asked(pool, it) for _ in range(AT_ONCE)))) == AT_ONCE
    await pool.close()
