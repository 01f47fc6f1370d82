"""A breaker keeps calls from a server that does not answer, or takes too long to: each would wait for nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from mads.wire.errors import CallError, DeadlineExceeded, Lost, NoResponder, Overloaded

State = Literal["closed", "open", "half-open"]

WINDOW, LEAST = 20, 5
"""Of how many calls it remembers how they ended, and how many of them it takes to judge."""

FAILED, SLOW = 0.5, 0.8
"""The share of failures, and of slow calls, at which it opens."""

FIRST, LONGEST = 2.0, 60.0
"""Seconds for which it stays open at first, and at most, as the time doubles."""


@dataclass
class Trial:
    """One call: for how many seconds of it the server waited for its caller, which is not held against it."""

    asking: float = 0.0


class Breaker:
    """Counts how the calls to one server end; a call takes longer than `slow` seconds where it is slow."""

    def __init__(self, name: str, slow: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._slow, self._clock = name, slow, clock
        self._ends: deque[tuple[bool, bool]] = deque(maxlen=WINDOW)
        self._until = 0.0
        self._pause = FIRST
        self._probing = False
        self.why = ""

    @property
    def state(self) -> State:
        """Closed lets all calls through, open none, half-open one at a time."""
        if not self.why:
            return "closed"
        return "open" if self._clock() < self._until else "half-open"

    @contextmanager
    def call(self) -> Generator[Trial]:
        """Do one call inside; raise `Overloaded` without doing it where the server is given time to recover."""
        state = self.state
        if state == "open" or (state == "half-open" and self._probing):
            left = max(0.1, self._until - self._clock())
            raise Overloaded(f"{self._name} is left alone for a while: {self.why}", retry_after=round(left, 1))
        self._probing = probe = state == "half-open"
        began, failed, trial = self._clock(), None, Trial()
        try:
            yield trial
            failed = ""
        except (NoResponder, Lost, DeadlineExceeded) as error:
            failed = str(error) or type(error).__name__
            raise
        except CallError:  # it answered
            failed = ""
            raise
        finally:
            if probe:
                self._probing = False
            is_slow = self._clock() - began - trial.asking > self._slow
            if failed is not None or is_slow:  # who left early says nothing about the server
                self._count(failed or "", is_slow=is_slow, probe=probe)

    def _count(self, failed: str, *, is_slow: bool, probe: bool) -> None:
        if probe:
            if failed or is_slow:
                self._open(failed or "it is slow", min(LONGEST, self._pause * 2))
            else:
                self.why, self._pause = "", FIRST
            return
        self._ends.append((bool(failed), is_slow))
        if self.why or len(self._ends) < LEAST:
            return
        count = len(self._ends)
        failures, slow = sum(bad for bad, _ in self._ends), sum(late for _, late in self._ends)
        if failures >= FAILED * count:
            self._open(f"{failures} of its last {count} calls failed{failed and f' ({failed})'}", FIRST)
        elif slow >= SLOW * count:
            self._open(f"{slow} of its last {count} calls took more than {self._slow:g} s", FIRST)

    def _open(self, why: str, pause: float) -> None:
        self.why, self._pause, self._until = why, pause, self._clock() + pause
        self._ends.clear()
