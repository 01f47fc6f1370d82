"""The accounts: what is reserved counts at every level at once, or at none, and is on disk before it may be spent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from mads.guard.budget.cap import Cap
from mads.guard.budget.counters import Counters, Held
from mads.store.ledger.port import Bookings, Line, State, remaining
from mads.wire.errors import Limited
from mads.wire.ledger import NOTHING, Amount, Reported

T = TypeVar("T")

OVERDUE = 10.0
"""Seconds that a holder has, beside those it reserved, to say what came of it; after that nobody waits for it."""

LONGEST = 3600.0
"""Seconds that what is reserved without a time may take."""


class _Standing(Struct, frozen=True):
    """A reservation of which its holder is expected to say, until `due`, what came of it."""

    holder: str
    amount: Amount
    held: Held
    due: float


class Accounts:
    """Reserves in `bookings` no more than `caps` let.

    The sums are those of the book: what was reserved before a crash and never settled still counts. Nothing is awaited
    between looking at a cap and counting towards it. Where `stopped` says why, nothing is reserved at all. Of whom
    nothing was heard `overdue` seconds after the time it reserved, nothing is expected any more. `booked` hears of what
    is spent.
    """

    stopped = ""

    def __init__(self, caps: Sequence[Cap], bookings: Bookings, *, overdue: float = OVERDUE) -> None:
        self.caps = tuple(caps)
        self._bookings, self._counters = bookings, Counters(caps)
        self._standing: dict[int, _Standing] = {}
        self._summing = asyncio.Lock()
        self._running = set[asyncio.Task[Any]]()
        self._overdue = overdue
        self._looking: asyncio.TimerHandle | None = None
        self._freed: asyncio.Event | None = None
        self.booked: Callable[[Line, Amount], None] = lambda _, __: None

    @property
    def freed(self) -> asyncio.Event:
        """What is set once something is settled that stands now; another one from then on."""
        if self._freed is None:
            self._freed = asyncio.Event()
        return self._freed

    def adopt(self, caps: Sequence[Cap]) -> bool:
        """Let as much as `caps` say from now on; return False, and change nothing, where they count anything else."""
        if len(caps) != len(self.caps) or not all(map(Cap.counts_as, caps, self.caps)):
            return False
        self.caps = tuple(caps)
        self._counters.adopt(caps)
        return True

    async def reserve(self, line: Line) -> int:
        """Keep a reservation and return its id, or raise `Limited` with the cap that does not let it."""
        while missing := self._counters.missing(line):
            async with self._summing:  # nobody counts towards it meanwhile, for nobody has it
                counter, whose = missing
                sums = await self._bookings.sums(whose)
                used = sum(counter.of(each.spent) + counter.of(each.reserved) for each in sums)
                self._counters.know(counter, line, used)
        self._go_on(line)
        reserving = self._begun(self._reserved(line, self._counters.take(line)))
        try:
            id_ = await asyncio.shield(reserving)
            self._go_on(line)  # a disk may take its time
        except (asyncio.CancelledError, Limited):
            self._begun(self._undone(reserving))
            raise
        return id_

    async def settle(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> bool:
        """Settle what `holder` reserved, or whoever did; return whether there was such a reservation."""
        return await asyncio.shield(self._begun(self._settled(id_, holder, state, amount, reported)))

    async def doubt(self, id_: int, holder: str, known: Amount) -> bool:
        """Leave what `holder` reserved to be reconciled, but for what is `known`; return whether it was there."""
        return await asyncio.shield(self._begun(self._doubted(id_, holder, known)))

    def running(self, id_: int) -> bool:
        """Return whether the holder of a reservation is expected to say what came of it."""
        return id_ in self._standing

    def left(self, holder: str) -> None:
        """Expect no more to hear of what `holder`, which has crashed, reserved."""
        for id_ in [id_ for id_, standing in self._standing.items() if standing.holder == holder]:
            self._stands_no_longer(id_)

    async def close(self) -> None:
        """Come to the end of what was begun."""
        if self._looking is not None:
            self._looking.cancel()
        while self._running:
            await asyncio.wait(self._running)

    def _go_on(self, line: Line) -> None:
        """Raise `Limited` where spending is stopped."""
        if self.stopped:
            raise Limited(f"{line.what} may not be paid for: spending is {self.stopped}", rule="spending is stopped")

    def _begun(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin what is done to its end, whether or not its caller waits for that."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # where nobody waits any more, nobody is to be told

    async def _undone(self, reserving: asyncio.Task[int]) -> None:
        """Release what was reserved for a caller that has gone: nothing was sent."""
        await self._settled(await reserving, None, "released", NOTHING)

    async def _reserved(self, line: Line, held: Held) -> int:
        try:
            id_ = await self._bookings.reserve(line)
        except BaseException:
            self._counters.settle(held, line.amount)
            self._free()
            raise
        due = time.monotonic() + (line.amount.ms / 1000 or LONGEST) + self._overdue
        self._standing[id_] = _Standing(line.holder, line.amount, held, due)
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(self._overdue, self._look)
        return id_

    async def _settled(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> bool:
        settling = self._bookings.settle(id_, holder, state, amount, reported)
        line = await self._changed(id_, settling, lambda _: (amount,))
        if line is not None and line.state == "reserved" and state == "spent":
            self.booked(line, amount)
        return line is not None

    async def _doubted(self, id_: int, holder: str, known: Amount) -> bool:
        if known != NOTHING:
            doubting = self._bookings.doubt(id_, holder, known)
            line = await self._changed(id_, doubting, lambda line: (known, remaining(line.amount, known)))
            if line is not None:
                self.booked(line, known)
            return line is not None
        standing = self._standing.get(id_)
        if standing is None or standing.holder != holder:
            return False
        self._stands_no_longer(id_)
        return True

    async def _changed(
        self, id_: int, changing: Awaitable[Line | None], counts: Callable[[Line], tuple[Amount, ...]]
    ) -> Line | None:
        """Change a line, and what it counts, and return it as it was; what does not stand, nobody sums up meanwhile."""
        standing = self._standing.pop(id_, None)
        line: Line | None = None
        if standing is None:
            async with self._summing:
                line = await changing
                if line is not None:
                    self._counters.correct(line, *counts(line))
        else:
            try:
                line = await changing
            finally:
                if line is None:
                    self._standing[id_] = standing
                else:
                    self._counters.settle(standing.held, line.amount, *counts(line))
        self._free()
        return line

    def _stands_no_longer(self, id_: int) -> None:
        """Expect no more to hear of a reservation; it counts all the same."""
        standing = self._standing.pop(id_)
        self._counters.settle(standing.held, standing.amount, standing.amount)
        self._free()

    def _look(self) -> None:
        """Expect no more to hear of what is overdue."""
        now = time.monotonic()
        for id_ in [id_ for id_, standing in self._standing.items() if standing.due < now]:
            self._stands_no_longer(id_)
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(self._overdue, self._look) if self._standing else None

    def _free(self) -> None:
        if self._freed is not None:
            self._freed.set()
            self._freed = None
