"""A breaker: closed it lets every call through, open none, half-open a few that try whether all is well again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

from mads.guard.breakers.rule import Rule
from mads.wire.status import BreakerInfo

State = Literal["closed", "open", "half-open"]

PARTS = 10
"""In how many parts the window goes by: so much of it at a time is forgotten."""

SOONEST = 0.1
"""The smallest pause before somebody should ask again, in seconds."""

Changed = Callable[["Breaker", State], None]
"""Is told of a breaker that it was in another state before."""


class _Part:
    """The calls that ended in one part of the window."""

    __slots__ = ("calls", "codes", "number", "slow")

    def __init__(self) -> None:
        self.number, self.calls, self.slow = -1, 0, 0
        self.codes: Counter[str] = Counter()

    def begin(self, number: int) -> None:
        """Forget what was, and be the part of that number."""
        self.number, self.calls, self.slow = number, 0, 0
        self.codes.clear()


class Breaker:
    """The breaker of `what`, by `rule`. Times are seconds of one clock that is never set back.

    A call that may come, for which there is no `wait`, has to `enter` and to `leave`, with what `enter` returned. What
    was let through before the state changed says nothing any more.
    """

    def __init__(
        self, what: str, rule: Rule, clock: Callable[[], float] = time.monotonic, changed: Changed = lambda _, __: None
    ) -> None:
        self.what, self.rule, self.why = what, rule, ""
        self.state: State = "closed"
        self._clock, self._changed = clock, changed
        self._parts = [_Part() for _ in range(PARTS)]
        self._width = rule.window / PARTS
        self._until = 0.0
        self._pause = rule.pause
        self._probing = self._well = self._turn = 0

    def wait(self) -> float:
        """Return in how many seconds one more call may come; 0 where it may now."""
        if self.state == "closed":
            return 0.0
        if self.state == "open":
            if (left := self._until - self._clock()) > 0:
                return max(SOONEST, left)
            self._be("half-open")
        return 0.0 if self._probing < self.rule.probes else SOONEST

    def enter(self) -> int:
        """Let through a call for which there is no `wait`; return its ticket."""
        if self.state == "half-open":
            self._probing += 1
        return self._turn

    def leave(self, ticket: int, took: float, code: str | None, words: str = "") -> None:
        """Take note that a call ended: after so many seconds, with a failure of that `code`, or well ("").

        None is that the caller did not wait for it, which says nothing but that it was slow. `words` are told.
        """
        if ticket != self._turn:
            return
        slow = self.rule.slow is not None and took > self.rule.slow
        if self.state == "half-open":
            self._probing -= 1
            if code or slow:
                self._open(
                    f"{words or code or 'it was slow'} when it was tried again", min(self.rule.longest, self._pause * 2)
                )
            elif code is not None:
                self._well += 1
                if self._well >= self.rule.probes:
                    self._close()
        elif code is not None or slow:
            self._count(code or "", words, slow=slow)

    def info(self) -> BreakerInfo:
        """Return how it stands."""
        calls, codes, slow = self._sums()
        again = max(0.0, self._until - self._clock()) if self.state == "open" else 0.0
        failed = sum(codes.values())
        return BreakerInfo(
            what=self.what,
            state=self.state,
            why=self.why,
            again_s=round(again, 1),
            calls=calls,
            failed=failed,
            slow=slow,
        )

    def _count(self, code: str, words: str, *, slow: bool) -> None:
        number = int(self._clock() / self._width)
        part = self._parts[number % PARTS]
        if part.number != number:
            part.begin(number)
        part.calls += 1
        if not code and not slow:
            return
        if code:
            part.codes[code] += 1
        part.slow += slow
        self._judge(words)

    def _judge(self, words: str) -> None:
        rule, (calls, codes, slow) = self.rule, self._sums()
        if calls < rule.least:
            return
        failed = sum(codes.values())
        if failed >= rule.failures * calls:
            each = ", ".join(f"{code} {count}" for code, count in codes.most_common())
            self._open(
                f"{failed} of its last {calls} calls failed ({each}{words and f'; the last: {words}'})", rule.pause
            )
        elif rule.slow is not None and slow >= rule.slow_share * calls:
            self._open(f"{slow} of its last {calls} calls took more than {rule.slow:g} s", rule.pause)

    def _sums(self) -> tuple[int, Counter[str], int]:
        now = int(self._clock() / self._width)
        parts = [part for part in self._parts if now - PARTS < part.number <= now]
        codes = sum((part.codes for part in parts), Counter[str]())
        return sum(part.calls for part in parts), codes, sum(part.slow for part in parts)

    def _open(self, why: str, pause: float) -> None:
        self._pause, self._until = pause, self._clock() + pause
        self._be("open", why)

    def _close(self) -> None:
        for part in self._parts:
            part.begin(-1)
        self._pause = self.rule.pause
        self._be("closed", "")

    def _be(self, state: State, why: str | None = None) -> None:
        was, self.state = self.state, state
        self.why = self.why if why is None else why
        self._probing = self._well = 0
        self._turn += 1
        self._changed(self, was)
