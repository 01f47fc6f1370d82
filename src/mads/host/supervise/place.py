"""One MAD in its place: it starts, is replaced without losing a call, stops; its lives come and go."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

import structlog

from mads.bus.memory import MemoryBus
from mads.host.supervise.life import GOING, End, Life
from mads.host.supervise.seat import Seat, SeatBus
from mads.wire.errors import ConfigError, MadsError, UsageError

T = TypeVar("T")

GRACE = 0.5
"""Seconds that the calls of a MAD have to end when it is stopped."""
LEAST = 0.1
"""Seconds that a child has to go even where no time is left."""

Bear = Callable[[SeatBus], Life]
"""Makes the next life of a MAD, which is to be started on that bus."""


class Place:
    """The place of the MAD that `seat` is for; `ended` is told when a life ended by itself."""

    def __init__(self, bus: MemoryBus, seat: Seat, bear: Bear, ended: Callable[[str, End], None]) -> None:
        self.seat, self.bear = seat, bear
        self._bus, self._ended = bus, ended
        self._turn = asyncio.Lock()
        self._life: tuple[Life, SeatBus] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._retiring: dict[asyncio.Task[None], Life] = {}

    @property
    def life(self) -> Life | None:
        """The life that serves now."""
        return self._life[0] if self._life else None

    @property
    def lives(self) -> list[Life]:
        """The life that serves now, and those whose calls have not ended yet."""
        return [*([self._life[0]] if self._life else ()), *self._retiring.values()]

    async def start(self) -> None:
        """Start the MAD where it does not run; raise `ConfigError` where it cannot start."""
        async with self._turn:
            if self._life is None:
                await _apart(self._begin())

    async def replace(self, bear: Bear | None = None) -> None:
        """Start a new life, of another kind where `bear` is given; the old one ends once its calls have ended.

        Raises `ConfigError` where the new one cannot start; the old one goes on as if nothing had been.
        """
        async with self._turn:
            before, self.bear = self.bear, bear or self.bear
            try:
                old = await _apart(self._begin())
            except BaseException:
                self.bear = before
                raise
            if old is not None:
                old[0].retire()
                task = asyncio.create_task(self._retire(*old), name=f"retire {self.seat.mad}", context=Context())
                self._retiring[task] = old[0]
                task.add_done_callback(self._retiring.pop)

    async def stop(self, by: float = math.inf) -> None:
        """End the MAD, in haste where that is not over `by` that moment of the monotonic clock; again does nothing."""
        async with self._turn:
            life, self._life = self._life, None
            self._hurry.set()
            if self._watcher is not None:
                if life is not None:
                    self._watcher.cancel()
                await asyncio.wait((self._watcher,))  # one that has seen an end clears up after it
            if life is not None:
                await _end(*life, GRACE, by)
            await asyncio.gather(*self._retiring, return_exceptions=True)
            self._hurry.clear()

    async def _begin(self) -> tuple[Life, SeatBus] | None:
        """Start a life, and return the one before it."""
        mad, bus = self.seat.mad, SeatBus(self._bus, self.seat)
        life = self.bear(bus)
        try:
            await life.start()
        except BaseException as error:
            self.seat.sitting = self._life[1].sitting if self._life else None
            if isinstance(error, UsageError) or not isinstance(error, Exception):
                raise
            told = str(error) if isinstance(error, MadsError) else f"{type(error).__name__}: {error}"
            raise ConfigError(f"{mad} did not start: {told}") from error
        old, self._life = self._life, (life, bus)
        if old is not None and self._watcher is not None:
            self._watcher.cancel()
        self._watcher = asyncio.create_task(self._watch(life), name=f"watch {mad}")
        self.seat.be("running", self.seat.why if self.seat.state == "restarting" else "")
        return old

    async def _watch(self, life: Life) -> None:
        end = await life.ended()
        self._life = None
        await life.stop()
        self._ended(self.seat.mad, end)

    async def _retire(self, life: Life, bus: SeatBus) -> None:
        assert bus.sitting is not None
        pid = life.pid  # one that has ended has none
        waited = [asyncio.create_task(bus.sitting.drained()), asyncio.create_task(self._hurry.wait())]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for task in waited:
            task.cancel()
        await _end(life, bus, 0)
        structlog.get_logger(mad=self.seat.mad).info("the one before has ended", pid=pid)


async def _apart(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` outside of the call that asked for it, or what a MAD begins by itself would descend from that call."""
    return await asyncio.create_task(work, context=Context())


async def _end(life: Life, bus: SeatBus, grace: float, by: float = math.inf) -> None:
    if bus.sitting is not None:
        life.retire()
        await bus.sitting.end(max(0.0, min(grace, by - time.monotonic())))
    await life.stop(max(LEAST, min(GOING, by - time.monotonic())))
