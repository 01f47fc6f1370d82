"""Servers that answer what a test wants, byte by byte, and remember what they were asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

Respond = Callable[["Outside", bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Outside:
    """A server on loopback; `asked` are the requests that it got, each with its body."""

    respond: Respond
    asked: list[bytes] = field(default_factory=list[bytes])
    open: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    port: int = 0

    def url(self, path: str = "/") -> str:
        """Return the URL of `path`."""
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def may(self) -> str:
        """What lets a MAD reach it."""
        return f"net:127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until its end."""
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        task.add_done_callback(self.open.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, length = head.lower().partition(b"content-length: ")
                body = await reader.readexactly(int(length.split(b"\r\n")[0] or 0)) if length else b""
                self.asked.append(head + body)
                await self.respond(self, head + body, writer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def outside(respond: Respond) -> AsyncGenerator[Outside]:
    """Run a server that answers with `respond` for as long as the block lasts."""
    it = Outside(respond)
    server = await asyncio.start_server(it.handle, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        for task in it.open:
            task.cancel()
        await asyncio.gather(*it.open)


def saying(body: bytes, *headers: str, status: str = "200 OK") -> Respond:
    """Return what answers everything with `body`."""

    async def respond(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)

    return respond
