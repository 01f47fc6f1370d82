"""HTTP/1.1 for requests of MCP: posts to one address, over connections that are kept, as a server may be hostile.

A redirect is an answer like any other, and no proxy of the environment is asked: what is sent goes where it was
configured to go, or nowhere. Whoever leaves before the end of an answer hangs up, which tells the server to stop.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import quote, urlsplit

import httptools
import httpx2

from mads.wire.errors import Lost, NoResponder

MAX_HEAD, MAX_HEADERS = 64 * 1024, 100
"""How many bytes the head of an answer may have, and how many headers."""

INTERIM = 8
"""How many answers may come that only say that there is one to come."""

AHEAD = 256 * 1024
"""How many bytes of an answer are read before somebody wants them."""

CONNECTIONS, KEPT, FRESH = 64, 16, 4.0
"""How many connections there are at most, how many are kept, and for how many seconds: servers close theirs after 5."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PATH = "/%:@!$&'()*+,;=~-._"


class Post:
    """What posts to `url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._tls = parts.hostname or "", httpx2.create_ssl_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        name = f"[{self._host}]" if ":" in self._host else self._host.encode("idna").decode()
        host = name if parts.port is None else f"{name}:{parts.port}"
        path = quote(parts.path or "/", safe=_PATH)
        self._first = f"POST {path} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: identity\r\n"
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[_Connection] = []
        self._open = set[_Connection]()

    def close(self) -> None:
        """Hang up."""
        for connection in list(self._open):
            connection.abort()

    @asynccontextmanager
    async def post(self, headers: Mapping[str, str], body: bytes) -> AsyncGenerator[Response]:
        """Yield the answer to one request once its head is there; raise `OSError`, `Lost` or `NoResponder`."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if _CONTROL.search(lines.replace("\r\n", "", len(headers))):
            raise NoResponder("a header for it holds a control character; look at its credential")
        head = f"{self._first}{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1", "replace")
        async with self._places:
            connection = self._kept() or await self._connected()
            try:
                response = connection.send(head + body)
                await response.begun()
                yield response
            finally:
                self._keep(connection)

    def _kept(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.since < FRESH:
                return connection
            connection.abort()
        return None

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(self._open), self._host, self._port, ssl=self._tls
        )
        return connection

    def _keep(self, connection: _Connection) -> None:
        if connection.usable and len(self._idle) < KEPT:
            connection.since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.abort()


class Response:
    """An answer: its `status`, its `headers` by their names in small letters, and its body by iterating."""

    def __init__(self, connection: _Connection) -> None:
        self.status, self.headers = 0, dict[str, str]()
        self.whole = False
        self._connection = connection
        self._chunks = deque[bytes]()
        self._ahead = 0
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    async def begun(self) -> None:
        """Return once the head is there."""
        while not self.status:
            await self._news()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._ahead -= len(chunk)
                yield chunk
            if self.whole:
                return
            self._connection.read_on()
            await self._news()

    def take(self, chunk: bytes) -> bool:
        """Take a part of the body; return whether that is enough for now."""
        self._chunks.append(chunk)
        self._ahead += len(chunk)
        self.tell()
        return self._ahead > AHEAD

    def fail(self, error: Exception) -> None:
        """Break off."""
        if not self.whole and self._error is None:
            self._error = error
            self.tell()

    def tell(self) -> None:
        """Wake whoever reads."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _news(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting


class _Connection(asyncio.Protocol):
    """A connection, on which there is one answer at a time; `since` is when the last one ended."""

    since = 0.0

    def __init__(self, open_: set[_Connection]) -> None:
        self._open = open_
        self._parser = httptools.HttpResponseParser(self)
        self._response: Response | None = None
        self._transport: asyncio.Transport | None = None
        self._head = self._interim = 0
        self._headers = list[tuple[bytes, bytes]]()
        self._paused = False
        self.usable = True

    def send(self, message: bytes) -> Response:
        """Send a request; return what its answer will be."""
        self._response, self._interim, self._head = Response(self), 0, 0
        if self._transport is None or self._transport.is_closing():
            raise Lost("it hung up")
        self._transport.write(message)
        self.usable = False
        return self._response

    def abort(self) -> None:
        """Hang up."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def read_on(self) -> None:
        """Go on reading where that was enough for a while."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; an answer that says nowhere how long it is ends like this."""
        self._open.discard(self)
        self.usable = False
        response = self._response
        if response is not None and not response.whole:
            measured = {"content-length", "transfer-encoding"} & response.headers.keys()
            if response.status and not measured and exc is None:
                response.whole = True
                response.tell()
            else:
                response.fail(Lost("the answer broke off"))

    def data_received(self, data: bytes) -> None:
        """Take what came; what nobody asked for ends the connection."""
        if self._response is None or self._response.whole:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            said = str(error) or type(error).__name__
            self._response.fail(Lost(f"its answer is no HTTP that is read here: {said:.100}"))
            self.abort()
            return
        if not self._response.status:
            self._count(len(data))

    def on_message_begin(self) -> None:
        """Begin an answer; a second one is nobody's."""
        self._headers.clear()
        if self._response is None or self._response.whole:
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after the body count for nothing."""
        self._head += len(name) + len(value)
        if len(self._headers) >= MAX_HEADERS or self._head > MAX_HEAD:
            raise ValueError("its headers are too many or too long")
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take a head, unless it only says that there is one to come."""
        status = self._parser.get_status_code()
        if self._response is None or self._response.whole or status < 200:  # noqa: PLR2004  the interim ones
            self._interim += 1
            if self._interim > INTERIM:
                raise ValueError("it answers that it will answer")
            return
        pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self._headers]
        self._response.headers, self._response.status = dict(pairs), status
        self._response.tell()

    def on_body(self, chunk: bytes) -> None:
        """Take a part of the body."""
        if self._response is not None and self._response.status and not self._response.whole:
            enough = self._response.take(chunk)
            if enough and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """End an answer."""
        response = self._response
        if response is not None and response.status and not response.whole:
            self.usable = self._parser.should_keep_alive()
            response.whole = True
            response.tell()
            self.read_on()

    def _count(self, size: int) -> None:
        """Count the bytes of a head that is not whole."""
        self._head += size
        if self._head > MAX_HEAD and self._response is not None:
            self._response.fail(Lost(f"the head of its answer has more than {MAX_HEAD} bytes"))
            self.abort()
