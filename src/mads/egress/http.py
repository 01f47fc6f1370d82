"""HTTP/1.1 as it is read: an answer on one connection, handed on as it comes.

What came together is handed on together, so that an answer in many small chunks costs no more than it has reads; and
events of a stream that follow each other faster than anybody sees come together.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpcore2
import httptools

from mads.egress.headers import MOST
from mads.egress.stream import Stream

READ = 64 * 1024
"""Bytes that are read at once."""

HEAD = 100 * 1024
"""Bytes that the head of an answer may have, with what only says that there is one to come."""

EVENTS, FRAME = b"text/event-stream", 0.008
"""What is read in events, and the seconds within which they are read together: half of a frame of a screen."""

BODILESS = frozenset({204, 304})


class Response:
    """What comes on `stream`, whose other side may be silent for `silence` seconds: a head, then a body by iterating.

    `ended` is told once whether the connection is good for another request; `is_heard` is whether anything came.
    """

    def __init__(self, stream: Stream, silence: float, ended: Callable[[bool], Awaitable[None]]) -> None:
        self.status, self.headers = 0, list[tuple[bytes, bytes]]()
        self.is_heard = False
        self._stream, self._silence, self._ended = stream, silence, ended
        self._whole = self._usable = self._closed = False
        self._bodiless = self._measured = self._in_events = False
        self._size = 0
        self._chunks: list[bytes] = []
        self._parser: Any = httptools.HttpResponseParser(self)

    async def begin(self, *, bodiless: bool) -> None:
        """Return once the head is there; `bodiless` is an answer that only says how long its body would be."""
        self._bodiless = bodiless
        while not self.status:
            await self._read()

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        """Iterate over the body as it comes; raise an error of `httpcore2` where it is none, or breaks off."""
        try:
            while True:
                if self._chunks:
                    data = b"".join(self._chunks)
                    self._chunks.clear()
                    if self._in_events and not self._whole:
                        self._stream.rest(FRAME)
                    yield data
                if self._whole:
                    return
                await self._read()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection; where the answer is not at its end, end it."""
        if not self._closed:
            self._closed = True
            await self._ended(self._usable)

    async def _read(self) -> None:
        """Take what comes next; raise `RemoteProtocolError` where that is no HTTP, or breaks off."""
        data = await self._stream.read(READ, self._silence)
        if not data:
            self._end()
            return
        self.is_heard = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._whole:  # what comes behind an answer is nobody's
                self._usable = False
                return
            if isinstance(error, httptools.HttpParserUpgrade):
                raise httpcore2.RemoteProtocolError("it would go on in another protocol") from error
            why = error.__context__ or error
            raise httpcore2.RemoteProtocolError(str(why) or type(why).__name__) from error
        if not self.status:
            self._count(len(data))

    def on_message_begin(self) -> None:
        """Begin; the head of an answer that only said that there is one to come is forgotten."""
        self._usable = False
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
        self._in_events = self._in_events or (name == b"content-type" and value.lower().startswith(EVENTS))
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take a head, unless it only says that there is one to come."""
        status: int = self._parser.get_status_code()
        if not self.status and status >= 200:  # noqa: PLR2004
            self.status = status
            self._whole = self._bodiless or status in BODILESS

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        if not self._whole:
            self._chunks.append(data)

    def on_message_complete(self) -> None:
        """End; what has no body, but says how long it would be, leaves nobody sure where the next answer begins."""
        if self.status and not self._whole:
            self._whole, self._usable = True, self._parser.should_keep_alive()

    def _end(self) -> None:
        if not self.status:
            raise httpcore2.RemoteProtocolError("it hung up without an answer")
        if self._measured:
            raise httpcore2.RemoteProtocolError("it hung up in the middle of its answer")
        self._whole = True

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > HEAD:
            raise httpcore2.RemoteProtocolError("the head of its answer is too long")
