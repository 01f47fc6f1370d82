"""How many calls to handle at once, found out from how long they take: as many as make none of them slow.

Calls that wait for something which others wait for as well take the longer, the more of them there are. The limit goes
by the ratio of what a call takes when little is going on to what it takes now, as in TCP Vegas and Netflix's
`concurrency-limits`.
"""

from __future__ import annotations

from math import sqrt

FIRST = 4
"""How many calls are handled at once to begin with."""
WINDOW = 16
"""Of so many calls each the mean counts: one by itself says little."""
TOLERANCE = 1.5
"""By how much longer a call may take than when little is going on."""
SMOOTH = 0.2
"""What the last window weighs."""
PROBE = 50
"""After so many windows a quarter as many are handled at once for one: calls then take what they take by themselves."""


class Gradient:
    """The `limit` moves between 1 and `most`; what is not used does not grow."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(min(FIRST, most))
        self._base = self._sum = 0.0
        self._count = self._peak = self._windows = 0

    @property
    def limit(self) -> int:
        """How many calls may be handled at once."""
        return max(1, int(self._limit / 4 if self._probes else self._limit))

    def took(self, seconds: float, at_once: int) -> None:
        """Learn that a call took so many seconds while `at_once` were handled, itself among them."""
        self._sum += seconds
        self._count += 1
        self._peak = max(self._peak, at_once)
        if self._count == WINDOW:
            self._move(self._sum / WINDOW, self._peak)
            self._windows += 1
            self._sum, self._count, self._peak = 0.0, 0, 0

    @property
    def _probes(self) -> bool:
        return self._windows % PROBE == PROBE - 1

    def _move(self, mean: float, peak: int) -> None:
        if self._probes:
            self._base = mean
            return
        self._base = min(mean, self._base or mean)
        gradient = max(0.5, min(1.0, TOLERANCE * self._base / mean)) if mean else 1.0
        aim = self._limit * gradient + sqrt(self._limit)
        if aim <= self._limit or peak >= self.limit:
            self._limit = max(1.0, min(self._limit + (aim - self._limit) * SMOOTH, float(self._most)))
