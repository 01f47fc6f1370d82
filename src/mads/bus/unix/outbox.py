"""Frames on their way to another process, held back while that does not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mads.bus.unix.frames import MAX_FRAME

MAX_BACKLOG = 4 * MAX_FRAME
"""How many bytes may wait to be read by the other side before it counts as dead."""


class Outbox:
    """What is sent leaves in order; `send` waits for its turn, `post` never waits."""

    def __init__(self, transport: asyncio.WriteTransport, give_up: Callable[[str], None]) -> None:
        self._transport = transport
        self._give_up = give_up
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._read = asyncio.Event()
        self._read.set()

    @property
    def ready(self) -> bool:
        """Whether `send` would not wait."""
        return self._read.is_set() and not self._waiting

    def pause(self) -> None:
        """Hold back what comes: the other side does not read."""
        self._read.clear()

    def resume(self) -> None:
        """Let go what was held back."""
        self._read.set()

    async def send(self, data: bytes) -> None:
        """Write `data` once the other side reads; where that is cancelled, nothing was written."""
        if self.ready:
            self.post(data)
            return
        self._waiting += 1
        try:
            async with self._turn:
                await self._read.wait()
                self.post(data)
        finally:
            self._waiting -= 1

    def post(self, data: bytes) -> None:
        """Write `data`, whether anybody reads or not; give up the connection where too much is unread."""
        if not self._transport.is_closing():
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > MAX_BACKLOG:
                self._give_up(f"the other process has left more than {MAX_BACKLOG} bytes unread")
