"""How those beside a fault fare: who answers, and how soon, calm and meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from chaos.world import Line

from mads.wire.errors import CallError, Unreachable

NEIGHBOURS = ("near", "far")
"""One in the core's process, one in a child's."""
PAUSE = 0.003
"""Seconds between two calls of one neighbour."""


@dataclass
class Watch:
    """Calls of the neighbours, one after the other, for as long as `watch` runs: how long each took, and failures."""

    root: Path
    took: list[float] = field(default_factory=list[float])
    failed: list[str] = field(default_factory=list[str])

    async def watch(self) -> None:
        """Call the neighbours until cancelled."""
        await asyncio.gather(*(self._call(name) for name in NEIGHBOURS))

    def taken(self) -> list[float]:
        """Return what calls took since this was asked last, in seconds."""
        took, self.took = self.took, []
        return took

    async def _call(self, name: str) -> None:
        line = Line(self.root)
        number = 0
        try:
            while True:
                began = time.perf_counter()
                try:
                    assert await line.call(f"{name}.ping", number=number) == number
                except (CallError, Unreachable) as error:
                    self.failed.append(f"{name}: {error}")
                self.took.append(time.perf_counter() - began)
                number += 1
                await asyncio.sleep(PAUSE)
        finally:
            await line.close()


def p99(took: list[float]) -> float:
    """Return the time within which 99 of 100 calls were answered."""
    return sorted(took)[int(len(took) * 0.99)]
