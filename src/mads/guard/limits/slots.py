"""How many at once: slots that calls hold while they are handled."""

from __future__ import annotations

SOONEST = 0.05
"""The smallest pause before somebody should ask again, in seconds."""


class Slots:
    """`most` slots, of which so many are `taken`."""

    __slots__ = ("_mean", "most", "taken")

    def __init__(self, most: int) -> None:
        self.most, self._mean = most, 0.0
        self.taken = 0

    def wait(self) -> float:
        """Return in how many seconds a slot may be free: as long as one was held of late; 0 where one is."""
        return 0.0 if self.taken < self.most else max(SOONEST, self._mean)

    def take(self) -> None:
        """Hold a slot for which there is no `wait`."""
        self.taken += 1

    def free(self, held: float) -> None:
        """Let go of a slot that was held for so many seconds."""
        self.taken -= 1
        self._mean += (held - self._mean) / 8 if self._mean else held
