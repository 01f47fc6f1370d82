"""Spans on their way to the record: written in order and in batches behind everybody's back.

Nobody waits for the writing. Where `MOST` spans wait, callers wait for room rather than that one is lost; but for no
longer than `PATIENCE`, and not at all while the store cannot write: then what has no room is counted and left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from msgspec import Raw

from mads.observe.span import MICRO, Span, batch_of
from mads.store.record.port import Batch, Record
from mads.wire.errors import StoreError
from mads.wire.record import Entry

MOST = 10_000
"""How many spans may wait before callers do; twice as many is the end."""
MOST_BYTES = 64 * 1024 * 1024
"""How much their bodies may weigh."""
BATCH = 500
"""How many are written at a time: what else the store has to write waits for no longer than that takes."""
PAUSE = 0.05
"""Seconds between a span and its writing, in which more may come: at rest there are few commits."""
PATIENCE = 1.0
"""Seconds that a caller waits for room."""
REPAIR = 1.0
"""Seconds after which a store that could not write is asked again."""
GRACE = 2.0
"""Seconds in which what waits is written once the system stops."""

Told = Callable[[Sequence[Span], Sequence[Entry]], None]
"""Whoever hears of spans once they are written; must not wait."""


class Recorder:
    """Takes spans with `take`, writes them between `start` and `close`.

    So many spans were `written`, or `left_out` for good; `trouble` says why the store does not write now. Where it
    `is_full`, callers should wait for `room`. The `wall` clock, in seconds since 1970, may jump.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall, self._steady = wall, 0.0
        self.written = self.left_out = 0
        self.trouble = ""
        self.is_full = False
        self._waiting: deque[Span] = deque()
        self._weight = self._taken = 0
        self._news, self._hurry, self._progress = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._told: Told | None = None
        self._closing = False
        self._log = structlog.get_logger()

    @property
    def waiting(self) -> int:
        """How many spans wait to be written."""
        return self._taken - self.written

    def take(self, span: Span) -> None:
        """Have `span` written soon; it is left out where there is no room for it at all."""
        waiting = self._waiting
        if not waiting:
            self._news.set()
        if self.is_full and (self.trouble or len(waiting) >= 2 * MOST):
            self.left_out += 1
            return
        self._taken += 1
        if type(span.call.body) is Raw:
            self._weight += span.weight
        waiting.append(span)
        if len(waiting) >= MOST or self._weight >= MOST_BYTES:
            self.is_full = True

    async def room(self) -> None:
        """Wait until there is room; not for long, and not while the store does not write."""
        try:
            async with asyncio.timeout(PATIENCE):
                while self.is_full and not self.trouble:
                    await self._next()
        except TimeoutError:
            self._stuck("the store is slow")

    async def flush(self) -> None:
        """Wait until all that was taken is written, as far as the store writes."""
        taken = self._taken
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while self.written < taken and not self.trouble:
                    await self._next()

    def start(self, record: Record, told: Told | None = None, *, after_us: int = 0) -> None:
        """Write to `record` from now on; `told` hears of what was written.

        By `steady_us` it comes after `after_us`, whatever the clock says.
        """
        self._told = told
        self._steady = max(self._wall(), after_us / MICRO) - time.monotonic()
        self._writer = asyncio.create_task(self._write_all(record), name="recorder")

    async def close(self) -> None:
        """Write what waits, for a little while; what is left then is left out."""
        self._closing = True
        await self.flush()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        self.left_out += self._taken - self.written
        if self.left_out:
            self._log.warning("the record is not whole", left_out=self.left_out, why=self.trouble)

    async def _next(self) -> None:
        """Wait until a batch has been written, which is begun at once."""
        self._hurry.set()
        self._progress.clear()
        await self._progress.wait()

    async def _write_all(self, record: Record) -> None:
        while True:
            await self._news.wait()
            if len(self._waiting) < BATCH:
                await self._pause(PAUSE)
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            await self._write(record, batch)
            self.written += len(batch)
            if self._weight:
                self._weight -= sum(span.weight for span in batch if type(span.call.body) is Raw)
            self.is_full = len(self._waiting) >= MOST or self._weight >= MOST_BYTES
            if not self._waiting:
                self._news.clear()
                self._hurry.clear()
            self._progress.set()

    async def _write(self, record: Record, batch: list[Span]) -> None:
        """Write `batch` as soon as the store can; what no store can write is left out."""
        epoch = self._wall() - time.monotonic()
        made: list[Batch] = []

        def make() -> Batch:
            made[:] = [batch_of(batch, epoch, self._steady)]
            return made[0]

        while True:
            try:
                await record.add(make)
            except StoreError as error:
                self._stuck(str(error))
                await self._pause(REPAIR)
            except Exception as error:  # noqa: BLE001  whatever is wrong with one must not keep the others
                await self._divide(record, batch, error)
                return
            else:
                self._well()
                if self._told is not None:
                    self._told(batch, made[0].entries)
                return

    async def _divide(self, record: Record, batch: list[Span], error: Exception) -> None:
        if len(batch) == 1:
            self.left_out += 1
            self._log.error("a call cannot be recorded", request=batch[0].call.id, why=str(error))
            return
        await self._write(record, batch[: len(batch) // 2])
        await self._write(record, batch[len(batch) // 2 :])

    async def _pause(self, seconds: float) -> None:
        """Wait, unless somebody waits for what comes after; in trouble wait all the same."""
        if self.trouble:
            await asyncio.sleep(seconds)
        elif not self._closing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()

    def _stuck(self, why: str) -> None:
        if not self.trouble:
            self._log.error("the record waits for the store", why=why)
        self.trouble = why
        self._progress.set()

    def _well(self) -> None:
        if self.trouble:
            self._log.warning("the record goes on", left_out=self.left_out)
        self.trouble = ""
