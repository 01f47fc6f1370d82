"""A subscription that finds out by itself how many calls it handles at once."""

from __future__ import annotations

from time import monotonic
from typing import Any

from mads.bus.delivery import Delivery
from mads.bus.gradient import Gradient
from mads.bus.inbox import Inbox
from mads.bus.serving import Serving, Worker


class Adaptive(Serving):
    """Handles as many calls at once as `Gradient` says, `at_once` at most."""

    def __init__(self, *args: Any, at_once: int, **kwargs: Any) -> None:
        super().__init__(*args, at_once=at_once, **kwargs)
        self._gradient = Gradient(at_once)
        self._inbox = _Held(self, self._capacity, at_once=at_once, costs=self._pace.means)
        self._at_once = self._gradient.limit
        self._inbox.room(self._at_once)

    @property
    def has_room(self) -> bool:
        """Whether one more call may be handled."""
        return sum(worker.delivery is not None for worker in self._workers) < self._at_once

    def resize(self, at_once: int, capacity: int) -> None:
        """Let `capacity` wait from now on; how many are handled side by side it finds out by itself."""
        del at_once
        self._capacity = self._inbox.capacity = capacity

    def _hire(self) -> bool:
        return self.has_room and super()._hire()

    async def _serve(self, worker: Worker, delivery: Delivery) -> float:
        began = monotonic()
        ended = await super()._serve(worker, delivery)
        self._gradient.took(ended - began, len(self._running()) + 1)
        more = self._gradient.limit - self._at_once
        if more:
            self._at_once += more
            self._inbox.room(self._at_once)
        for _ in range(min(more, self._inbox.waiting)):
            self._hire()
        return ended


class _Held(Inbox):
    """Hands out nothing while as many calls are handled as may be."""

    __slots__ = ("_serving",)

    def __init__(self, serving: Adaptive, capacity: int, **how: Any) -> None:
        super().__init__(capacity, **how)
        self._serving = serving

    def take(self, now: float) -> Delivery | None:
        """Remove and return the next call; None where none may start."""
        return super().take(now) if self._serving.has_room else None
