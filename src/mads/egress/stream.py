"""A connection as `httpcore2` asks for one, over the event loop itself: bytes in and out, each within a time."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from typing import Any, cast

import httpcore2

AHEAD = 128 * 1024
"""Bytes that may lie here unread before the other side has to wait."""


class Stream(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """One connection; whoever is cancelled while it waits leaves nothing behind."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._came = bytearray()
        self._ended = self._held = self._full = False
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, as soon as anything has; nothing once the other side has ended."""
        if not self._came and not self._ended:
            await self._news(httpcore2.ReadTimeout, timeout)
        if self._error is not None and not self._came:
            raise httpcore2.ReadError(str(self._error)) from self._error
        data = bytes(self._came[:max_bytes])
        del self._came[:max_bytes]
        self._read_on()
        return data

    def rest(self, seconds: float) -> None:
        """Leave what comes in so many seconds with the system, so that all of it is read at once."""
        if not self._held and not self._came and not self._ended:
            self._held = True
            self._to().pause_reading()
            asyncio.get_running_loop().call_later(seconds, self._read_on)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send what is in `buffer`; return once the other side takes enough of it for more to be sent."""
        if self._ended:
            raise httpcore2.WriteError("the other side has hung up")
        self._to().write(buffer)
        while self._full and not self._ended:
            await self._news(httpcore2.WriteTimeout, timeout)

    async def aclose(self) -> None:
        """Hang up."""
        self._to().abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """Go on in secret, with whoever can show to be `server_hostname`."""
        made: asyncio.Transport | None = None
        try:
            async with asyncio.timeout(timeout):
                loop = asyncio.get_running_loop()
                made = await loop.start_tls(self._to(), self, ssl_context, server_hostname=server_hostname)
            if made is None:
                raise ConnectionResetError("the other side has hung up")
        except OSError as error:
            raise _unconnected(error) from error
        finally:
            if made is None:
                self._to().abort()
        self._transport = made
        return self

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection, as `httpcore2` calls it."""
        if info == "is_readable":
            return self._ended or bool(self._came) or _is_readable(self._to().get_extra_info("socket"))
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._to().get_extra_info(names.get(info, info))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._came += data
        if len(self._came) > AHEAD and not self._held:
            self._held = True
            self._to().pause_reading()
        self._tell()

    def eof_received(self) -> bool:
        """End: there is nothing to say to who no longer speaks."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End; what broke off is told to whoever reads on."""
        self._ended, self._error = True, exc
        self._tell()

    def pause_writing(self) -> None:
        """Take note that the other side does not keep up."""
        self._full = True

    def resume_writing(self) -> None:
        """Take note that it does again."""
        self._full = False
        self._tell()

    def _read_on(self) -> None:
        if self._held and len(self._came) <= AHEAD and not self._ended:
            self._held = False
            self._to().resume_reading()

    def _to(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def _tell(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _news(self, late: type[Exception], timeout: float | None) -> None:
        """Return once something has happened; raise `late` where nothing does in time."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting = loop.create_future()
        timer = None if timeout is None else loop.call_later(timeout, _fail, waiting, late)
        try:
            await waiting
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()


async def connected(address: str, port: int, timeout: float | None) -> Stream:
    """Return a connection to an address; raise `ConnectError` or `ConnectTimeout` of `httpcore2`."""
    try:
        async with asyncio.timeout(timeout):
            _, stream = await asyncio.get_running_loop().create_connection(Stream, address, port)
    except OSError as error:
        raise _unconnected(error) from error
    return stream


def _unconnected(error: OSError) -> Exception:
    return (httpcore2.ConnectTimeout if isinstance(error, TimeoutError) else httpcore2.ConnectError)(str(error))


def _fail(waiting: asyncio.Future[None], late: type[Exception]) -> None:
    if not waiting.done():
        waiting.set_exception(late())


def _is_readable(sock: socket.socket) -> bool:
    """Return whether something has come that the loop has not seen yet, an end for one."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
