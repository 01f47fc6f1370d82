"""HTTP/1.1 on one connection, for the pool of `httpcore2`: a request leaves at once, its answer is read as it comes.

What came together is handed on together, so that an answer in many small chunks costs no more than it has reads; and
events of a stream that follow each other faster than anybody sees come together.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import httpcore2
import httptools

from mads.egress.headers import MOST
from mads.egress.network import CheckedNetwork
from mads.egress.stream import Stream

READ = 64 * 1024
"""Bytes that are read at once."""

HEAD = 100 * 1024
"""Bytes that the head of an answer may have, with what only says that there is one to come."""

EVENTS, FRAME = b"text/event-stream", 0.016
"""What is read in events, and the seconds within which they are read together: a screen shows nothing in between."""

BODILESS = frozenset({204, 304})


class Pool(httpcore2.AsyncConnectionPool):
    """Connections by `network`, to whoever `trusted` knows; one may wait `keep` seconds for its next request."""

    def __init__(self, network: CheckedNetwork, trusted: ssl.SSLContext, at_once: int, idle: int, keep: float) -> None:
        super().__init__(max_connections=at_once, max_keepalive_connections=idle, keepalive_expiry=keep)
        self._network, self._trusted, self._keep = network, trusted, keep

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface:
        """Return a connection that is made once it is used."""
        return _Connection(origin, self._network, self._trusted, self._keep)


class _Connection(httpcore2.AsyncConnectionInterface):
    """A connection, which has one request at a time."""

    def __init__(self, origin: httpcore2.Origin, network: CheckedNetwork, trusted: ssl.SSLContext, keep: float) -> None:
        self._origin, self._network, self._trusted, self._keep = origin, network, trusted, keep
        self._stream: Stream | None = None
        self._busy = self._closed = False
        self._until = 0.0

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Return the answer to `request` once its head is there."""
        if self._busy or self._closed:
            raise httpcore2.ConnectionNotAvailable
        self._busy = True
        asked: Any = request
        timeouts: dict[str, float] = asked.extensions.get("timeout", {})
        try:
            if self._stream is None:
                self._stream = await self._connected(timeouts.get("connect"))
            body = b"".join([part async for part in asked.stream])
            with suppress(httpcore2.WriteError):  # who has had enough of a request may answer it all the same
                await self._stream.write(_head(request) + body, timeouts.get("write"))
            answer = _Answer(request.method == b"HEAD")
            while not answer.status:
                answer.take(await self._stream.read(READ, timeouts.get("read")))
        except BaseException:
            await self.aclose()
            raise
        return httpcore2.Response(answer.status, headers=answer.headers, content=_Body(self, answer, timeouts))

    async def read(self, timeout: float | None) -> bytes:
        """Return what comes next; nothing at the end."""
        assert self._stream is not None
        return await self._stream.read(READ, timeout)

    def rest(self, seconds: float) -> None:
        """Let what comes in so many seconds come together."""
        assert self._stream is not None
        self._stream.rest(seconds)

    async def ended(self, *, usable: bool) -> None:
        """Take note that an answer has been read, or that nobody reads it any more."""
        if not usable or self._closed:
            await self.aclose()
        self._busy, self._until = False, time.monotonic() + self._keep

    async def aclose(self) -> None:
        """Hang up."""
        self._closed = True
        if self._stream is not None:
            await self._stream.aclose()

    def info(self) -> str:
        """Return what is told of it."""
        return f"{self._origin}, {'busy' if self._busy else 'idle'}"

    def can_handle_request(self, origin: httpcore2.Origin) -> bool:
        """Return whether it leads there."""
        return origin == self._origin

    def is_connected(self) -> bool:
        """Return whether it was made, and not ended."""
        return self._stream is not None and not self._closed

    def is_available(self) -> bool:
        """Return whether the next request may be sent."""
        return self.is_connected() and not self._busy

    def has_expired(self) -> bool:
        """Return whether it waited too long, or something came that nobody asked for: an end, for one."""
        if self._stream is None or not self.is_available():
            return False
        return time.monotonic() > self._until or bool(self._stream.get_extra_info("is_readable"))

    def is_idle(self) -> bool:
        """Return whether it waits for a request."""
        return self.is_available()

    def is_closed(self) -> bool:
        """Return whether it was ended."""
        return self._closed

    async def _connected(self, timeout: float | None) -> Stream:
        host = self._origin.host.decode("ascii")
        stream = await self._network.connect_tcp(host, self._origin.port, timeout)
        if self._origin.scheme != b"https":
            return stream
        return await stream.start_tls(self._trusted, host, timeout)


class _Body:
    """The body of an answer, as it comes."""

    def __init__(self, connection: _Connection, answer: _Answer, timeouts: dict[str, float]) -> None:
        self._connection, self._answer, self._timeout = connection, answer, timeouts.get("read")
        self._closed = False

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        answer = self._answer
        try:
            while True:
                if data := answer.taken():
                    if answer.in_events and not answer.whole:
                        self._connection.rest(FRAME)
                    yield data
                if answer.whole:
                    return
                answer.take(await self._connection.read(self._timeout))
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Let go of the connection; where the answer is not at its end, end it."""
        if not self._closed:
            self._closed = True
            await self._connection.ended(usable=self._answer.usable)


class _Answer:
    """An answer while it is read."""

    def __init__(self, is_head: bool) -> None:  # noqa: FBT001  there is no other argument
        self.status, self.headers = 0, list[tuple[bytes, bytes]]()
        self.whole = self.usable = self.in_events = False
        self._is_head, self._measured = is_head, False
        self._size = 0
        self._chunks: list[bytes] = []
        self._parser: Any = httptools.HttpResponseParser(self)

    def take(self, data: bytes) -> None:
        """Take what came; raise `RemoteProtocolError` where that is no HTTP, or breaks off."""
        if not data:
            self._end()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self.whole:  # what comes behind an answer is nobody's
                self.usable = False
                return
            why = error.__context__ or error
            raise httpcore2.RemoteProtocolError(str(why) or type(why).__name__) from error
        if not self.status:
            self._count(len(data))

    def taken(self) -> bytes:
        """Return what has come of the body since this was asked last."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data

    def on_message_begin(self) -> None:
        """Begin; the head of an answer that only said that there is one to come is forgotten."""
        self.usable = False
        self.headers = self.headers if self.status else []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body count for nothing."""
        if self.status:
            return
        self._count(len(name) + len(value))
        if len(self.headers) > MOST:
            raise ValueError("its headers are too many")
        name = name.lower()
        self._measured = self._measured or name in (b"content-length", b"transfer-encoding")
        self.in_events = self.in_events or (name == b"content-type" and value.lower().startswith(EVENTS))
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take a head, unless it only says that there is one to come."""
        status: int = self._parser.get_status_code()
        if not self.status and status >= 200:  # noqa: PLR2004
            self.status = status
            self.whole = self._is_head or status in BODILESS

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        if not self.whole:
            self._chunks.append(data)

    def on_message_complete(self) -> None:
        """End; what has no body, but says how long it would be, leaves nobody sure where the next answer begins."""
        if self.status and not self.whole:
            self.whole, self.usable = True, self._parser.should_keep_alive()

    def _end(self) -> None:
        if not self.status:
            raise httpcore2.RemoteProtocolError("it hung up without an answer")
        if self._measured:
            raise httpcore2.RemoteProtocolError("it hung up in the middle of its answer")
        self.whole = True

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > HEAD:
            raise httpcore2.RemoteProtocolError("the head of its answer is too long")


def _head(request: httpcore2.Request) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (request.method, request.url.target)]
    lines += [b"%b: %b" % pair for pair in request.headers]
    if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
        raise httpcore2.LocalProtocolError("a line of the request is several")
    return b"\r\n".join((*lines, b"", b""))
