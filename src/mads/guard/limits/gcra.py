"""How often: the generic cell rate algorithm (ITU-T I.371), which keeps one number for each counter.

It admits what a bucket of `burst` tokens admits into which one falls every `interval`. Times are whole nanoseconds of
any clock: one that is set back makes nobody wait longer than an empty bucket does.
"""

from __future__ import annotations

from msgspec import Struct

SECOND = 1_000_000_000


class Pace(Struct, frozen=True):
    """One call every `interval` nanoseconds, and up to `burst` of them at once where there were none before.

    `written` is how a rule says so.
    """

    interval: int
    burst: int
    written: str = ""

    def __str__(self) -> str:
        """Return it as it is written in a rule."""
        return self.written


class Gcra:
    """One counter."""

    __slots__ = ("_full", "_interval", "_span")

    def __init__(self, pace: Pace) -> None:
        self._interval, self._span = pace.interval, pace.interval * pace.burst
        self._full = 0  # when the bucket is full again

    def wait(self, now: int) -> int:
        """Return how long it is until one more call is admitted; 0 where that is now."""
        empty = now + self._span
        if self._full > empty:  # noqa: PLR1730  the clock was set back; a comparison takes half the time of `min`
            self._full = empty
        wait = self._full - empty + self._interval
        return wait if wait > 0 else 0  # noqa: FURB136  as above

    def take(self, now: int) -> None:
        """Admit one call for which there is no `wait`."""
        self._full = (self._full if self._full > now else now) + self._interval  # noqa: FURB136  as above

    def left(self, now: int) -> int:
        """Return how many calls would be admitted at once."""
        return max(0, now + self._span - max(self._full, now)) // self._interval

    def is_full(self, now: int) -> bool:
        """Return whether nothing is known here that a new counter would not know."""
        return self._full <= now
