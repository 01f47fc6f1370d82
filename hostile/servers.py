"""Servers that answer as somebody would who means harm, and one that nobody may reach."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib import import_module
from typing import Any

Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]

brotli: Any = import_module("brotli")  # which says no types, nor does the other
zstd: Any = import_module("backports.zstd")
ZEROS = 30_000_000
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


class Server:
    """A server on loopback; `reached` is what it was asked, `answer` may be set anew at any time."""

    def __init__(self, answer: Respond) -> None:
        self.answer, self.reached = answer, list[bytes]()
        self.port = 0
        self._open: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[Server]:
        """Listen for as long as the block lasts."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError
        ):
            self.reached.append(await reader.readuntil(b"\r\n\r\n"))
            await self.answer(writer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self._open.discard(task)


def saying(answer: bytes) -> Respond:
    """Return what answers with these bytes."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return respond


def body(content: bytes, *headers: str) -> Respond:
    """Return what answers with this body."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return saying(OK + f"{lines}content-length: {len(content)}\r\n\r\n".encode() + content)


def without_end(start: bytes, piece: bytes, pause: float = 0) -> Respond:
    """Return what answers with `start`, then with `piece` again and again."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return respond


def leading(to: str, status: int) -> Respond:
    """Return what leads on to `to`."""
    lines = f"HTTP/1.1 {status} X\r\nlocation: {to}\r\nrefresh: 0; url={to}\r\ncontent-length: 0\r\n\r\n"
    return saying(lines.encode("utf-8", "replace"))


def harms() -> dict[str, Respond]:
    """Return answers that are too much, never end, or are none."""
    deflated = zlib.compress(bytes(ZEROS), 1)
    zipped = gzip.compress(bytes(ZEROS), 1)
    zeros = zstd.compress(bytes(ZEROS), 19)
    return {
        "gzip bomb": body(zipped, "content-encoding: gzip"),
        "gzip bomb of many members": body(gzip.compress(bytes(1_000_000), 1) * 30, "content-encoding: gzip"),
        "gzip of members that hold nothing": body(gzip.compress(b"") * 45_000, "content-encoding: gzip"),
        "gzip bomb in a gzip bomb": body(gzip.compress(zipped, 1), "content-encoding: gzip, gzip"),
        "deflate bomb": body(deflated, "content-encoding: deflate"),
        "raw deflate bomb": body(deflated[2:-4], "content-encoding: deflate"),
        "brotli bomb": body(brotli.compress(bytes(ZEROS)), "content-encoding: br"),
        "brotli that is none": body(bytes.fromhex("cbffff7f00") * 1000, "content-encoding: br"),
        "zstd bomb": body(zeros, "content-encoding: zstd"),
        "zstd bomb of many frames": body(zstd.compress(bytes(1_000_000)) * 30, "content-encoding: zstd"),
        "zstd of frames that hold nothing": body(zstd.compress(b"") * 100_000, "content-encoding: zstd"),
        "zstd that is none": body(b"\x28\xb5\x2f\xfd" * 1000, "content-encoding: zstd"),
        "large body": body(bytes(5_000_000)),
        "large body that is announced": saying(OK + b"content-length: 99999999999\r\n\r\n"),
        "length that is none": saying(OK + b"content-length: -1\r\n\r\nx"),
        "two lengths": saying(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
        "body without end": without_end(CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n"),
        "slow drip": without_end(CHUNKED, b"1\r\nx\r\n", 0.05),
        "slow drip of headers": without_end(OK, b"x-a: b\r\n", 0.05),
        "silence": without_end(b"", b"", 0.05),
        "silence within a body": without_end(OK + b"content-length: 10\r\n\r\nx", b"", 0.05),
        "headers without end": without_end(OK, b"x-a: b\r\n" * 1000),
        "header without end": without_end(OK + b"x-a: ", b"b" * 65536),
        "too many headers": saying(
            OK + b"".join(b"x-%d: y\r\n" % number for number in range(2000)) + b"content-length: 0\r\n\r\n"
        ),
        "interim answers without end": without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "trailers without end": without_end(CHUNKED + b"0\r\n", b"x-a: b\r\n" * 1000),
        "chunk extension without end": without_end(CHUNKED + b"1;", b"x" * 65536),
        "status line without end": without_end(b"HTTP/1.1 200 ", b"x" * 65536),
        "no HTTP": saying(b"\x16\x03\x01 SSH-2.0-x\r\n\r\n"),
        "a body cut short": saying(OK + b"content-length: 10\r\n\r\nx"),
        "an upgrade that nobody asked for": saying(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nabc"),
    }
