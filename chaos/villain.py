"""A MAD that does everything wrong, one thing a tool; whatever it takes is bounded, so that the machine survives."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from contextlib import suppress

from mads import mad, tool

GREED = 1_000_000_000
"""The bytes after which it takes no more memory."""
BOMBS = 150
"""The processes after which it starts no more."""
LASTING = 20.0
"""Seconds after which each of those ends by itself."""


@mad
class Villain:
    """You do everything wrong."""

    @tool(read_only=True)
    async def where(self) -> int:
        """Return the process id."""
        return os.getpid()

    @tool
    async def fail(self) -> None:
        """Raise what nobody expects."""
        raise ZeroDivisionError("chaos")

    @tool
    async def hang(self) -> None:
        """Wait for what never comes."""
        await asyncio.Event().wait()

    @tool
    async def block(self) -> None:
        """Hold up the loop, and a processor."""
        while True:
            pass

    @tool
    async def crash(self) -> None:
        """Read where nothing is."""
        ctypes.string_at(1)

    @tool
    async def devour(self) -> None:
        """Take memory, more and more."""
        taken: list[bytes] = []
        with suppress(MemoryError):  # it keeps what it has
            while len(taken) * 5_000_000 < GREED:
                taken.append(os.urandom(1) * 5_000_000)
                await asyncio.sleep(0.02)
        await asyncio.sleep(LASTING)

    @tool
    async def multiply(self) -> None:
        """Start processes, more and more."""
        for _ in range(BOMBS):
            if os.fork() == 0:
                time.sleep(LASTING)  # noqa: ASYNC251  a process of its own, without a loop
                os._exit(0)
            await asyncio.sleep(0.002)
        await asyncio.sleep(LASTING)
