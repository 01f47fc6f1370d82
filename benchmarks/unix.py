"""A call to another process over the Unix socket, beside an echo of the same bytes that does nothing else.

Both children run on the loop that mads uses, and are called in turns: one call at a time for its duration, a hundred at
once for what a call costs under load.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import cast

from mads.bus.memory import MemoryBus
from mads.bus.unix import Hub, adopt
from mads.bus.unix.frames import Deliver, pack
from mads.host.loop import new_loop
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply

CALLS, TOGETHER, ROUNDS = 1000, 100, 7
BODY = codec.raw({"query": "where is a deadline inherited", "limit": 5})

Ask = Callable[[], Awaitable[object]]


class Echo(asyncio.Protocol):
    """The baseline's ends: the child's sends back what comes, the caller's waits for it."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers
        self._missing = 0
        self._back: asyncio.Future[None] | None = None
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        """End."""
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        """Send `data` back, or take it as what came back."""
        if self._answers:
            self._transport.write(data)
            return
        self._missing -= len(data)
        if self._missing <= 0 and self._back is not None:
            self._back.set_result(None)

    async def ask(self, data: bytes) -> None:
        """Send `data` and wait until as much has come back."""
        self._missing = len(data)
        self._back = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        await self._back


async def serve_bus(sock: socket.socket) -> None:
    """Be the child that is measured."""

    async def handle(call: Call) -> Reply:
        return Reply(call.body)

    bus = await adopt(sock)
    await bus.subscribe(["mads.echo.*"], handle, owner="echo", at_once=TOGETHER)
    await bus.link.ended


async def serve_bytes(sock: socket.socket) -> None:
    """Be the child of the baseline."""
    echo = Echo(answers=True)
    await asyncio.get_running_loop().create_unix_connection(lambda: echo, sock=sock)
    await echo.gone.wait()


@contextlib.contextmanager
def child(what: str) -> AsyncGenerator[socket.socket]:
    """Start a child and yield this end of the socket to it."""


async def measure() -> dict[str, float]:
    """Return what a call takes, in microseconds, and what the baseline does."""
