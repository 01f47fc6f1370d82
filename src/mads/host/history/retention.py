"""What is on record goes once it is old enough: in the background, in small steps, and never what is held."""

from __future__ import annotations

import asyncio
import time

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


class Sweeper:
    """Applies `config` to what `upkeep` keeps."""

    def __init__(self, config: Retention, upkeep: SqliteUpkeep) -> None:
        self._ages = {name: lasting(getattr(config, name)) for name in Retention.__struct_fields__}
        self._upkeep = upkeep
        self._swept = dict.fromkeys(("bodies", "prose"), 0)
        self._calendar: Calendar | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep again and again, from now on."""
        self._task = asyncio.create_task(regularly(PAUSE, self._sweep_now), name="retention")

    async def stop(self) -> None:
        """End it, in the middle of a sweep if need be: the next begins where this one ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def again(self) -> None:
        """Look at everything once more: what was held may go, or something old has come."""
        self._swept = dict.fromkeys(self._swept, 0)

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
        return steps

    def _before(self, name: str, now: float) -> int:
        age = self._ages[name]
        return 0 if age is None else max(0, int((now - age) * MICRO))

    async def _sweep_now(self) -> None:
        if self._calendar is None:
            newest = await self._upkeep.newest()
            self._calendar = Calendar(time.time() if newest is None else newest / MICRO)
        await self.sweep(self._calendar.now())
        await self._upkeep.fold()
