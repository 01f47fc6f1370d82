"""The MADs with which durable commands are measured: one sends, one counts what comes, one works step by step."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from datetime import timedelta

from mads import Send, Step, mad, message, tool

LATER = timedelta(hours=1)


@message
class Parcel:
    """Some bytes to keep."""

    text: str


PARCEL = Parcel("x" * 400)


@mad
class Depot:
    """You count parcels; one that is `shut` lets them wait, one that is `loud` tells of the first."""

    came: int = 0
    shut: bool = False
    loud: bool = False

    @tool
    async def take(self, parcel: Parcel) -> None:
        """Count one."""
        del parcel
        self.came += 1
        if self.loud and self.came == 1:
            os.write(sys.__stdout__.fileno(), b"first\n") if sys.__stdout__ else None
        if self.shut:
            await asyncio.Event().wait()

    @tool(read_only=True)
    async def count(self) -> int:
        """Return how many came."""
        return self.came


@mad
class Clerk:
    """You work step by step."""

    step: Step
    finished: int = 0

    @tool
    async def work(self, steps: int) -> None:
        """Take so many steps."""
        for number in range(steps):
            await self.step(f"{number}", self._note, number)
        self.finished += 1

    async def _note(self, number: int) -> int:
        return number

    @tool(read_only=True)
    async def count(self) -> int:
        """Return how many were done."""
        return self.finished


@mad
class Sender:
    """You send parcels to the depot, and work to the clerk."""

    depot: Depot
    clerk: Clerk
    send: Send

    @tool
    async def pour(self, seconds: float, producers: int, most: int = 1_000_000, *, later: bool = False) -> int:
        """Send for so long from so many tasks, each of which waits for its receipt; return how many were sent."""
        end, after, numbers = time.perf_counter() + seconds, LATER if later else None, itertools.count()

        async def produce() -> int:
            count = 0
            while time.perf_counter() < end and next(numbers) < most:
                await self.send(self.depot.take, PARCEL, after=after)
                count += 1
            return count

        return sum(await asyncio.gather(*(produce() for _ in range(producers))))

    @tool
    async def one(self) -> float:
        """Return the milliseconds until the receipt of one command."""
        started = time.perf_counter()
        await self.send(self.depot.take, PARCEL, after=LATER)
        return (time.perf_counter() - started) * 1000

    @tool
    async def hand(self, commands: int, steps: int) -> None:
        """Send work."""
        for _ in range(commands):
            await self.send(self.clerk.work, steps)
