"""What is on record goes once it is old enough: in the background, in small steps, and never what is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from mads.host.history.calendar import Calendar
from mads.host.quantity import lasting
from mads.host.regularly import regularly
from mads.host.writing import Retention
from mads.store.record.upkeep import SqliteUpkeep

PAUSE = 60.0
"""Seconds between two sweeps."""

BREATH = 0.02
"""Seconds between two steps of a sweep, in which others write."""

MICRO = 1_000_000

DAY = 86_400 * MICRO

Cut = Callable[[int], Awaitable[bool]]
"""Takes one step to be rid of what was decided before a time; says whether another may be left."""


class Sweeper:
    """Applies `config` to what `upkeep` keeps and `cut` can cut, by the `wall` clock, as far as it is believed."""

    def __init__(
        self, config: Retention, upkeep: SqliteUpkeep, cut: Cut, wall: Callable[[], float] = time.time
    ) -> None:
        self._ages = {name: lasting(getattr(config, name)) for name in Retention.__struct_fields__}
        self._upkeep, self._cut, self._wall = upkeep, cut, wall
        self._swept = dict.fromkeys(("bodies", "prose"), 0)
        self._calendar: Calendar | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep again and again, from now on."""
        self._task = asyncio.create_task(regularly(PAUSE, self.sweep_now), name="retention")

    async def stop(self) -> None:
        """End it, in the middle of a sweep if need be: the next begins where this one ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def again(self) -> None:
        """Look at everything once more: what was held may go, or something old has come."""
        self._swept = dict.fromkeys(self._swept, 0)

    async def sweep_now(self) -> None:
        """Take away what is too old; what time it is believed to be is kept, and counts at the next start."""
        if self._calendar is None:
            last_us, lasted_us = await self._upkeep.believed() or (int(self._wall() * MICRO), 0)
            self._calendar = Calendar(last_us / MICRO, lasted_us / MICRO, wall=self._wall)
        now = self._calendar.now()
        await self._upkeep.believe(int(now * MICRO), int(self._calendar.lasted * MICRO))
        await self.sweep(now)
        await self._upkeep.fold()

    async def sweep(self, now: float) -> int:
        """Take away what is too old at `now` (seconds since 1970); return how many steps that took."""
        steps = 0
        for name in self._swept:
            before = self._before(name, now)
            while before and (last := await self._upkeep.strip(name, self._swept[name], before)):
                self._swept[name] = last
                steps += 1
                await asyncio.sleep(BREATH)
            self._swept[name] = before
        before = self._before("envelopes", now)
        while before and await self._upkeep.drop(before):
            steps += 1
            await asyncio.sleep(BREATH)
        before = self._before("audit", now) // DAY * DAY  # whole days: each cut is a row itself
        while before and await self._cut(before):
            steps += 1
            await asyncio.sleep(BREATH)
        return steps

    def _before(self, name: str, now: float) -> int:
        age = self._ages[name]
        return 0 if age is None else max(0, int((now - age) * MICRO))
