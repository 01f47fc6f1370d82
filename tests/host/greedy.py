"""A MAD that takes what it can get."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import field

from mads import mad, tool


@mad
class Greedy:
    """You take."""

    taken: list[bytes] = field(default_factory=list[bytes])

    @tool(read_only=True)
    async def where(self) -> int:
        """Return the process in which this tool runs."""
        return os.getpid()

    @tool
    async def take(self, megabytes: int) -> None:
        """Take memory, and keep it."""
        self.taken.append(b"x" * (megabytes * 1_000_000))

    @tool
    async def multiply(self) -> None:
        """Start one process after another, slowly enough for the machine of a test."""
        for _ in range(200):
            if os.fork() == 0:
                time.sleep(60)  # noqa: ASYNC251  the offspring has no loop of its own
                os._exit(0)
            await asyncio.sleep(0.02)
