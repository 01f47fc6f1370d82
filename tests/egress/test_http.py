"""HTTP/1.1 as the broker reads it: what an answer may be, where it ends, and what a connection is used for after it.

Covers answers byte by byte on real sockets, hostile ones among them. Does not cover what the broker makes of them
(`test_broker.py`).
"""

from __future__ import annotations

import asyncio

import httpcore2
import pytest

from mads.egress.broker import _context  # pyright: ignore[reportPrivateUsage]  whom everybody trusts
from mads.egress.http import Pool
from mads.egress.network import CheckedNetwork, system_resolver
from tests.egress.outside import Outside, outside

COVERS = ("R-106",)
OK = b"HTTP/1.1 200 OK\r\n"
MEASURED = OK + b"content-length: 3\r\n\r\nend"


async def asked(pool: Pool, it: Outside, method: str = "GET", patience: float = 2.0) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    response = await pool.handle_async_request(
        httpcore2.Request(method, it.url(), headers=[(b"host", b"x")], extensions={"timeout": {"read": patience}})
    )
    try:
        return response.status, await response.aread()
    finally:
        await response.aclose()


async def come_to(*answers: bytes, method: str = "GET", closes: bool = False) -> tuple[list[tuple[int, bytes]], int]:
    """Return what `answers` are read as, and over how many connections."""
    left, connections = list(answers), set[object]()

    async def respond(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        writer.write(left.pop(0))
        if closes:
            await writer.drain()
            writer.close()

    pool = Pool(CheckedNetwork(system_resolver), _context(None), 4, 4, 5.0)
    try:
        async with outside(respond) as it:
            return [await asked(pool, it, method) for _ in answers], len(connections)
    finally:
        await pool.aclose()


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

    pool = Pool(CheckedNetwork(system_resolver), _context(None), 4, 4, 5.0)
    async with outside(silent) as it:
        with pytest.raises(httpcore2.ReadTimeout):
            await asked(pool, it, patience=0.01)
    await pool.aclose()


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

    pool = Pool(CheckedNetwork(system_resolver), _context(None), 4, 4, 5.0)
    async with outside(talk) as it, asyncio.timeout(5):
        response = await pool.handle_async_request(httpcore2.Request("GET", it.url()))
        pieces: list[bytes] = []
        async for piece in response.aiter_stream():
            pieces.append(piece)
            go.set()
        await response.aclose()
    await pool.aclose()
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

    pool = Pool(CheckedNetwork(system_resolver), _context(None), 4, 4, 5.0)
    async with outside(flood) as it:
        response = await pool.handle_async_request(httpcore2.Request("GET", it.url()))
        before = -1
        while sent != before:
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < 64 * 1024 * 1024
        await response.aclose()
    await pool.aclose()
