"""How long calls take to be handled: what is known of each subject from those that were handled while others waited."""

from __future__ import annotations

SUBJECTS = 256
"""Of how many subjects it is remembered: callers choose them, so there is no end of them."""
LATEST = 0.2
"""What the latest call weighs in the mean."""
CREEP = 0.02
"""By how much of the difference the least grows with a call that took longer."""
DOUBT = 0.9
"""By what an estimate shrinks where a call was refused because of it: or what is never tried would never be faster."""
UNKNOWN = 0.001
"""Seconds that a call counts for where nothing is known."""
LEAST = 0.0001
"""Seconds that a call counts for at least."""


class Pace:
    """What one subscription's calls take, by subject: the `means` of late and the `leasts`, in seconds.

    No mean is above `most`.
    """

    def __init__(self) -> None:
        self.most = UNKNOWN
        self.means: dict[str, float] = {}
        self.leasts: dict[str, float] = {}

    def took(self, subject: str, seconds: float) -> None:
        """Learn that a call was handled in so many seconds."""
        mean, least = self.means.get(subject), self.leasts.get(subject, seconds)
        if mean is None:
            if len(self.means) >= SUBJECTS:
                self.means.clear()
                self.leasts.clear()
            mean = seconds
        self.means[subject] = max(mean + (seconds - mean) * LATEST, LEAST)
        self.leasts[subject] = min(seconds, least + (seconds - least) * CREEP)
        self.most = max(UNKNOWN, *self.means.values())

    def doubt(self, subject: str) -> None:
        """Learn that a call was refused because it would have taken too long."""
        if subject in self.means:
            self.means[subject] = max(self.means[subject] * DOUBT, LEAST)
            self.leasts[subject] *= DOUBT
