"""Count the calls of each tool, handler and timer: rate, errors, duration, and what runs now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mads.wire.status import ToolStatus

if TYPE_CHECKING:
    from mads.wire.call import Call, Handle, Layer, Reply
    from mads.wire.served import Served


class Cell:
    """The counts of one thing that is served; plain numbers, touched by one loop."""

    __slots__ = ("calls", "failed", "longest", "running", "seconds")

    def __init__(self) -> None:
        self.calls = self.failed = self.running = 0
        self.seconds = self.longest = 0.0


class Meter:
    """The cells of one process, by MAD and name."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], Cell] = {}

    def layer(self, served: Served) -> Layer:
        """Return the layer that counts what `served` does."""
        cell = self._cells.setdefault((served.mad, served.name), Cell())

        def meter(handle: Handle) -> Handle:
            async def metered(call: Call) -> Reply:
                started = time.perf_counter()
                cell.calls += 1
                cell.running += 1
                failed = True
                try:
                    reply = await handle(call)
                    failed = reply.failure is not None
                finally:
                    took = time.perf_counter() - started
                    cell.running -= 1
                    cell.failed += failed
                    cell.seconds += took
                    cell.longest = max(cell.longest, took)
                return reply

            return metered

        return meter

    def read(self, mad: str) -> tuple[ToolStatus, ...]:
        """Return the counts of one MAD, by name."""
        return tuple(
            ToolStatus(
                name=name,
                calls=cell.calls,
                failed=cell.failed,
                running=cell.running,
                mean_ms=round(1000 * cell.seconds / max(1, cell.calls - cell.running), 3),
                max_ms=round(1000 * cell.longest, 3),
            )
            for (owner, name), cell in sorted(self._cells.items())
            if owner == mad
        )
