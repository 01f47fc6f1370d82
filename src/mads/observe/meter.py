"""Count what is handled: rate, errors, duration, and what runs now."""

from __future__ import annotations

from bisect import bisect_left

from mads.wire.failure import CODES, PARKED, Failure
from mads.wire.status import ToolStatus

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds of the classes of durations, in seconds; the last class has none."""


class Cell:
    """The counts of one thing that is served; plain numbers, touched by one loop.

    `buckets` says how many took at most so long: one for each of `BOUNDS`, and one for the rest; `failures` how many
    failed, by code. `cost` is in millionths.
    """

    __slots__ = ("buckets", "calls", "cost", "failed", "failures", "longest", "running", "seconds")

    def __init__(self) -> None:
        self.calls = self.failed = self.running = self.cost = 0
        self.seconds = self.longest = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.failures: dict[str, int] = {}

    def end(self, took: float, failure: Failure | None, cost: int) -> None:
        """Count what had begun as ended; a code that is none of `CODES` counts as failed, who is parked has not."""
        self.running -= 1
        self.seconds += took
        self.cost += cost
        self.buckets[bisect_left(BOUNDS, took)] += 1
        if failure is not None:
            self.failed += failure.code != PARKED
            code = failure.code if failure.code in CODES else "failed"
            self.failures[code] = self.failures.get(code, 0) + 1
        if took > self.longest:  # noqa: PLR1730  half as long as `max`
            self.longest = took


class Meter:
    """The cells of one system, by MAD and name."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], Cell] = {}

    def cell(self, mad: str, name: str) -> Cell:
        """Return the cell of what `mad` calls `name`."""
        return self.cells.setdefault((mad, name), Cell())

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
            for name, cell in sorted((name, cell) for (owner, name), cell in self.cells.items() if owner == mad)
        )
