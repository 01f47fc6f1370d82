"""A `Connection` costs its client something: one that sends no request is hung up on, at the latest for a new one."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTIONS = 512
"""How many connections may be open at once; for one more the one goes that was silent longest, or it gets a 503."""

HEAD_WITHIN = 5.0
"""The seconds that a client has to send the head of a request, from connecting or from the head's first byte."""

MAX_HEAD, MAX_HEADERS = 64 * 1024, 100
"""How many bytes the head of a request may have, and how many headers."""

IDLE = 60
"""The seconds after which a connection is closed whose last request was answered."""


class Connection(HttpToolsProtocol):
    """A client's connection; it is idle while no request of it is being answered."""

    heard = 0.0
    """When its client last sent something."""

    _head: int | None = None
    """The bytes of the head that is being read; None between two of them."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, and the place of an idle one where there are too many."""
        if len(self.connections) >= CONNECTIONS:
            self._make_room()
        super().connection_made(cast("asyncio.Transport", transport))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; uvicorn forgets its own timeout with the first byte of it."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("The head of the request is too large.")
        self._await_head()

    def on_message_begin(self) -> None:
        """Begin to count the bytes of a head."""
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        """Take a head that is whole, unless it is too large: whoever looks up a header looks through all of them."""
        self._head = None
        size = sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            raise ValueError  # the parser stops, and uvicorn answers 400
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        super().connection_lost(exc)
        self._set_late(None)

    def is_idle(self) -> bool:
        """Return whether nothing is being answered."""
        return self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    def _await_head(self) -> None:
        self.heard = self.loop.time()
        if not self.is_idle():
            self._set_late(None)
        elif self._late is None:
            self._set_late(self.loop.call_later(HEAD_WITHIN, self.transport.abort))

    def _set_late(self, timer: asyncio.TimerHandle | None) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = timer

    def _make_room(self) -> None:
        connections = cast("set[Connection]", self.connections)
        idle = [each for each in connections if each.is_idle()]
        if idle:
            longest = min(idle, key=lambda each: each.heard)
            longest.transport.abort()
            connections.discard(longest)
