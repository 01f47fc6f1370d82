"""The connections of one MAD: so many at most, each for one request at a time, some kept for the next one."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpcore2

from mads.egress.http import Response
from mads.egress.network import CheckedNetwork
from mads.egress.stream import Stream
from mads.egress.target import Target

AT_ONCE, IDLE, KEEP = 32, 8, 15.0
"""Connections that there may be, those of them that may wait for a next request, and for how many seconds."""

REPEATED = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""What may be asked again without being done twice (RFC 9110)."""

CONNECT, SILENCE = 10.0, 60.0
"""Seconds in which a connection is made, and those for which somebody may be silent while it answers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of `to`, with all its headers, and its body."""

    method: str
    to: Target
    headers: Sequence[tuple[bytes, bytes]] = ()
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class _Idle:
    stream: Stream
    origin: tuple[str, str, int]
    until: float


class Pool:
    """Connections by `network`, to whoever `trusted` knows; nobody may be silent for more than `silence` seconds."""

    def __init__(self, network: CheckedNetwork, trusted: ssl.SSLContext, silence: float = SILENCE) -> None:
        self._network, self._trusted, self._silence = network, trusted, silence
        self._places = asyncio.Semaphore(AT_ONCE)
        self._idle: list[_Idle] = []
        self._open = set[Stream]()

    async def ask(self, request: Request) -> Response:
        """Return the answer to `request` once its head is there, to be closed; raise an error of `httpcore2`."""
        message = _head(request) + request.content
        await self._place()
        stream: Stream | None = None
        try:
            stream = kept = await self._kept(request.to)
            stream = stream or await self._connected(request.to)
            answer = self._answer(stream, request)
            try:
                await self._begin(answer, stream, request, message)
            except (httpcore2.ReadError, httpcore2.RemoteProtocolError):
                if kept is None or answer.is_heard or request.method not in REPEATED:
                    raise
                await self._hang_up(kept)  # its other side did so while the request was on its way
                stream = await self._connected(request.to)
                answer = self._answer(stream, request)
                await self._begin(answer, stream, request, message)
        except BaseException:
            await self._ended(stream, request.to, usable=False)
            raise
        return answer

    def _answer(self, stream: Stream, request: Request) -> Response:
        return Response(stream, self._silence, lambda usable: self._ended(stream, request.to, usable=usable))

    async def _begin(self, answer: Response, stream: Stream, request: Request, message: bytes) -> None:
        with suppress(httpcore2.WriteError):  # who has had enough of a request may answer it all the same
            await stream.write(message, self._silence)
        await answer.begin(bodiless=request.method == "HEAD")

    async def close(self) -> None:
        """Hang up, whoever is still read."""
        self._idle.clear()
        for stream in [*self._open]:
            await self._hang_up(stream)

    async def _place(self) -> None:
        try:
            async with asyncio.timeout(self._silence if self._places.locked() else None):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpcore2.PoolTimeout(str(error)) from error

    async def _kept(self, to: Target) -> Stream | None:
        """Return the connection there that was used last and is still good; hang up those that are not."""
        now, left = time.monotonic(), self._idle[::-1]
        for idle in left:
            if idle.until < now:
                await self._forget(idle)
            elif idle.origin == to.origin:
                if not idle.stream.get_extra_info("is_readable"):  # an end, or what nobody asked for
                    self._idle.remove(idle)
                    return idle.stream
                await self._forget(idle)
        if self._idle and len(self._open) >= AT_ONCE:
            await self._forget(self._idle[0])
        return None

    async def _connected(self, to: Target) -> Stream:
        stream = await self._network.connect_tcp(to.host, to.port, CONNECT)
        self._open.add(stream)
        if to.scheme == "https":
            try:
                await stream.start_tls(self._trusted, to.host, CONNECT)
            except BaseException:
                await self._hang_up(stream)
                raise
        return stream

    async def _ended(self, stream: Stream | None, to: Target, *, usable: bool) -> None:
        """Give a place back, and keep the connection that held it where that is `usable`."""
        self._places.release()
        if stream is None or stream not in self._open:
            return
        if usable and len(self._idle) < IDLE:
            self._idle.append(_Idle(stream, to.origin, time.monotonic() + KEEP))
        else:
            await self._hang_up(stream)

    async def _forget(self, idle: _Idle) -> None:
        self._idle.remove(idle)
        await self._hang_up(idle.stream)

    async def _hang_up(self, stream: Stream) -> None:
        self._open.discard(stream)
        await stream.aclose()


def _head(request: Request) -> bytes:
    lines = [f"{request.method} {request.to.path} HTTP/1.1".encode()]
    lines += [b"%b: %b" % pair for pair in request.headers]
    if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
        raise httpcore2.LocalProtocolError("a line of the request is several")
    return b"\r\n".join((*lines, b"", b""))
