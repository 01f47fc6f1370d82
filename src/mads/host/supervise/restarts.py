"""The rule of restarts, in the words of OTP: who is started again when one ends, after which pause, and when no more.

It knows the times at which MADs ended and nothing else, so that it can be compared with a plain model.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mads.host.config import MadConfig
from mads.host.lifecycle import Supervision
from mads.host.quantity import seconds

FIRST, LONGEST = 0.05, 2.0
"""Seconds before the first restart, doubled for each further one within the period, and at most."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done when a MAD has ended.

    For "restart": those in `stop` are ended from the right, then after `pause` seconds those in `start` are started
    from the left; the MAD itself is among the latter.
    """

    kind: Literal["leave", "give up", "restart"]
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    pause: float = 0.0


class RestartRule:
    """The rule of one system, whose MADs were started in the order of `mads`.

    Each MAD's restarts are counted for itself: none is given up for what another did.
    """

    def __init__(
        self,
        supervision: Supervision,
        mads: Mapping[str, MadConfig],
        order: Sequence[str],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._strategy, self._intensity = supervision.strategy, supervision.intensity
        self._period = seconds(supervision.period)
        self._mads, self._order, self._chance = mads, tuple(order), chance
        self._ends: dict[str, deque[float]] = {mad: deque() for mad in order}

    def ended(self, mad: str, now: float, *, clean: bool) -> Verdict:
        """Judge the end of `mad` at the time `now`; `clean` where it ended by itself with status 0."""
        kind = self._mads[mad].restart
        if kind == "temporary" or (kind == "transient" and clean):
            return Verdict("leave")
        recent = self._ends[mad]
        recent.append(now)
        while now - recent[0] >= self._period:
            recent.popleft()
        if len(recent) > self._intensity:
            recent.clear()
            return Verdict("give up")
        others = tuple(other for other in self._reach(mad) if other != mad)
        start = tuple(it for it in self._reach(mad) if it == mad or self._mads[it].restart != "temporary")
        pause = min(LONGEST, FIRST * 2.0 ** min(len(recent) - 1, 30)) * (0.8 + 0.4 * self._chance())
        return Verdict("restart", others, start, pause)

    def forget(self, mad: str) -> None:
        """Count the restarts of `mad` from nothing again."""
        self._ends[mad].clear()

    def _reach(self, mad: str) -> tuple[str, ...]:
        """Return whom the end of `mad` concerns, in the order of their start."""
        if self._strategy == "one_for_one":
            return (mad,)
        if self._strategy == "one_for_all":
            return self._order
        return self._order[self._order.index(mad) :]
