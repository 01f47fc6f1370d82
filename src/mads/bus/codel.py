"""When to leave out calls that wait, so that a queue that does not get shorter by itself does: controlled delay.

A queue that is there for a moment is a burst, and does no harm. One that stands makes every call wait, and the answer
late. So one call is left out where all that were handed out for a whole interval had waited for too long, and the next
ones ever sooner, until one has not. See Nichols and Jacobson, "Controlling Queue Delay", 2012.
"""

from __future__ import annotations

from math import sqrt

SHARE = 0.5
"""The part of the time to its deadline that a call may wait: a call that takes long has a deadline that is far."""
INTERVAL = 0.1
"""Seconds for which every call has to have waited too long."""


class Shedder:
    """Says after each call that is handed out whether one that still waits is to be left out.

    It is `calm` where the last had not waited for too long.
    """

    def __init__(self) -> None:
        self.calm = True
        self._due = 0.0
        self._shed = 0

    def sheds(self, waited: float, patience: float, now: float) -> bool:
        """Return whether to leave one out now: a call waited for so many seconds of the `patience` that it had."""
        if waited < SHARE * patience:
            self.calm, self._shed = True, 0
            return False
        if self.calm:
            self.calm, self._due = False, now + INTERVAL
        if now < self._due:
            return False
        self._shed += 1
        self._due += INTERVAL / sqrt(self._shed)
        return True
