"""A provider's pace: never more requests or tokens in any minute than its limits, and nothing while it is closed."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from mads.duos.fiedler.port import Trouble

MINUTE = 61.0
"""Seconds that a request counts: a minute, and one for what is on its way when another has arrived."""

SLACK = 0.2
"""Seconds that may pass between letting a request go and its leaving before its minute begins anew."""

CLOSED, LONGEST = 0.5, 30.0
"""Seconds that a provider is left alone after a failure that names no time: doubled each time, up to so many."""


class Sent:
    """A request that was let go: when, and how many tokens are counted for it."""

    __slots__ = ("at", "open", "tokens")

    def __init__(self, at: float, tokens: int) -> None:
        self.at, self.tokens, self.open = at, tokens, True


class Pace:
    """Lets requests go one after the other, in the order in which they came."""

    def __init__(
        self, name: str, requests: int | None, tokens: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.requests, self.tokens, self.waiting = requests, tokens, 0
        self._name, self._clock = name, clock
        self._sent: deque[Sent] = deque()
        self._turn, self._changed = asyncio.Lock(), asyncio.Event()
        self._closed, self._failures = 0.0, 0

    @property
    def closed(self) -> float:
        """Return the seconds until the provider may be asked again."""
        return max(0.0, self._closed - self._clock())

    def used(self) -> tuple[int, int]:
        """Return the requests and the tokens of the last minute."""
        self._forget()
        return len(self._sent), sum(sent.tokens for sent in self._sent)

    def wait(self, tokens: int) -> float:
        """Return the seconds until a request of so many tokens may go, as far as can be told now."""
        self._forget()
        wait, now = self.closed, self._clock()
        if self.requests is not None and len(self._sent) >= self.requests:
            wait = max(wait, self._sent[len(self._sent) - self.requests].at + MINUTE - now)
        if self.tokens is not None:
            room = self.tokens - min(tokens, self.tokens) - sum(sent.tokens for sent in self._sent)
            for sent in self._sent:
                if room >= 0:
                    break
                room += sent.tokens
                wait = max(wait, sent.at + MINUTE - now)
        return wait

    async def admit(self, tokens: int, *, within: float) -> Sent:
        """Return once a request of up to so many tokens may go; raise `Trouble` where that is not so `within` seconds.

        One that is larger than all that a minute may hold goes when nothing else is counted.
        """
        until = self._clock() + within
        if within <= 0 and (self._turn.locked() or self.wait(tokens) > 0):
            raise self._full(tokens)
        self.waiting += 1
        try:
            async with asyncio.timeout(max(0.0, within) + 0.001), self._turn:
                while (wait := self.wait(tokens)) > 0:
                    if self._clock() + wait > until and not any(sent.open for sent in self._sent):
                        raise self._full(tokens)
                    await self._news(wait)
                sent = Sent(self._clock(), tokens)
                self._sent.append(sent)
                return sent
        except TimeoutError:
            raise self._full(tokens) from None
        finally:
            self.waiting -= 1

    def leaves(self, sent: Sent) -> None:
        """Count a request from now on, where it has waited for something else since it was let go."""
        if (now := self._clock()) - sent.at > SLACK:
            self.withdraw(sent)
            sent.at = now
            self._sent.append(sent)

    def remember(self, age: float, tokens: int) -> None:
        """Count a request that was let go so many seconds ago, by a run before this one; the oldest first."""
        sent = Sent(self._clock() - age, tokens)
        sent.open = False
        self._sent.append(sent)

    def settle(self, sent: Sent, tokens: int) -> None:
        """Count what a request really took."""
        sent.tokens, sent.open = tokens, False
        self._changed.set()

    def withdraw(self, sent: Sent) -> None:
        """Count a request no more that never left."""
        with suppress(ValueError):  # it was let go more than a minute ago
            self._sent.remove(sent)
        self._changed.set()

    def well(self) -> None:
        """Take note that the provider answered."""
        self._failures = 0

    def close(self, seconds: float | None) -> None:
        """Leave the provider alone for so many seconds, or for longer each time that it says nothing of that."""
        self._failures += 1
        pause = min(LONGEST, CLOSED * 2 ** (self._failures - 1)) if seconds is None else seconds
        self._closed = max(self._closed, self._clock() + pause)

    async def _news(self, wait: float) -> None:
        """Wait so long, or until a request took less than was counted for it."""
        self._changed.clear()
        try:
            async with asyncio.timeout(wait):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _full(self, tokens: int) -> Trouble:
        wait = self.wait(tokens)
        why = f"{self._name} asks to be left alone" if self.closed else f"the limits of {self._name} are used up"
        return Trouble("limited", f"{why} for {wait:.1f} s more", retry_after=wait)

    def _forget(self) -> None:
        since = self._clock() - MINUTE
        while self._sent and self._sent[0].at <= since:
            self._sent.popleft()
