"""Where the browser of whoever signs in comes back to: one page on this machine, for as long as that takes."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from mcp.shared.auth import AuthorizationCodeResult

from mads.wire.errors import Denied, Reject

DONE = "You are signed in, and can close this page."
LONGEST = 16 * 1024
"""How many bytes a request may have."""


class Browser:
    """Says to which `address` to go, and returns with what the browser brings back."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.address: asyncio.Future[str] = loop.create_future()
        self._came: asyncio.Future[dict[str, str]] = loop.create_future()

    async def visit(self, address: str) -> AuthorizationCodeResult:
        """Have somebody go to `address`; raise `Denied` where they, or the authorization server, say no."""
        self.address.set_result(address)
        said = await self._came
        if "code" not in said:
            why = said.get("error_description") or said.get("error") or "it sent no code"
            raise Denied(f"the authorization server refused: {why:.300}")
        return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))

    @asynccontextmanager
    async def listening(self, callback: str) -> AsyncGenerator[None]:
        """Wait for the browser at `callback`; raise `Reject` where something else listens there."""
        where = urlsplit(callback)
        try:
            server = await asyncio.start_server(self._answer, where.hostname, where.port, limit=LONGEST)
        except OSError as error:
            raise Reject(
                f"{callback} is where the browser comes back to, and something else listens there ({error.strerror}); "
                'try again, or write another beside `mcp`: oauth = { callback = "http://127.0.0.1:PORT/callback" }'
            ) from None
        self._path = where.path
        async with server:
            yield

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(10):
                line, *_ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            asked = urlsplit(line.split(" ")[1])
            said = {name: values[0] for name, values in parse_qs(asked.query).items()}
            found = line.startswith("GET ") and asked.path == self._path and ("code" in said or "error" in said)
            if found and not self._came.done():
                self._came.set_result(said)
            status, text = ("200 OK", DONE) if found else ("404 Not Found", "There is nothing here.")
            head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\n"
            writer.write(f"{head}cache-control: no-store\r\nconnection: close\r\n\r\n{text}".encode())
            await writer.drain()
        writer.close()
