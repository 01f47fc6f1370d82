"""The accounts: what is reserved counts at every level at once, or at none, and is on disk before it may be spent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import Struct

from mads.guard.budget.cap import MICRO, Cap, said
from mads.store.ledger.port import Bookings, Line, State, Whose, remaining
from mads.wire.errors import Limited
from mads.wire.ledger import NOTHING, Amount, Reported

T = TypeVar("T")

ACCOUNTS = 10_000
"""How many accounts are held before those with nothing open are forgotten; they are summed up anew when needed."""

SOON = 0.1
"""After how many seconds whoever was refused may try again, where only what others have reserved is in the way."""


OVERDUE = 10.0
"""Seconds that a holder has, beside those it reserved, to say what came of it; after that nobody waits for it."""

LONGEST = 3600.0
"""Seconds that what is reserved without a time may take."""


class _Account:
    """What is spent or reserved of one cap by one of those it is for, how much of it stands, and how many hold it."""

    __slots__ = ("open", "standing", "used")

    def __init__(self, used: int) -> None:
        self.used, self.standing, self.open = used, 0, 0


class _Held(Struct, frozen=True):
    """An account that a line counts towards."""

    cap: Cap
    whose: Whose
    account: _Account

    def left(self) -> int:
        return self.cap.most - self.account.used

    def stands(self, amount: Amount) -> None:
        """Count what is reserved."""
        self.account.used += self.cap.of(amount)
        self.account.standing += self.cap.of(amount)

    def falls(self, amount: Amount) -> None:
        """Count no longer what was."""
        self.account.used -= self.cap.of(amount)
        self.account.standing -= self.cap.of(amount)


class _Standing(Struct, frozen=True):
    """A reservation of which its holder is expected to say what came of it."""

    holder: str
    amount: Amount
    held: tuple[_Held, ...]
    overdue: asyncio.TimerHandle


class Accounts:
    """Reserves in `bookings` no more than `caps` let.

    The sums are those of the book: what was reserved before a crash and never settled still counts. Nothing is awaited
    between looking at a cap and counting towards it. Where `stopped` says why, nothing is reserved at all. `booked`
    hears of what is spent.
    """

    stopped = ""

    def __init__(self, caps: Sequence[Cap], bookings: Bookings) -> None:
        self.caps = tuple(caps)
        self._bookings = bookings
        self._accounts: dict[tuple[Cap, Whose], _Account] = {}
        self._most = ACCOUNTS
        self._standing: dict[int, _Standing] = {}
        self._summing = asyncio.Lock()
        self._running = set[asyncio.Task[Any]]()
        self._freed: asyncio.Event | None = None
        self.booked: Callable[[Line, Amount], None] = lambda _, __: None

    @property
    def freed(self) -> asyncio.Event:
        """What is set once something is settled that stands now; another one from then on."""
        if self._freed is None:
            self._freed = asyncio.Event()
        return self._freed

    async def reserve(self, line: Line) -> int:
        """Keep a reservation and return its id, or raise `Limited` with the cap that does not let it."""
        held = await self._held(line)
        try:
            self._look(line, held)
        except Limited:
            self._let_go(held)
            raise
        for each in held:
            each.stands(line.amount)
        reserving = self._begun(self._reserved(line, held))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            self._begun(self._undone(reserving))
            raise

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

    async def close(self) -> None:
        """Come to the end of what was begun."""
        for id_ in [*self._standing]:
            self._stands_no_longer(id_)
        while self._running:
            await asyncio.wait(self._running)

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

    async def _held(self, line: Line) -> tuple[_Held, ...]:
        held: list[_Held] = []
        try:
            for cap in self.caps:
                for whose in cap.whose(line):
                    account = self._accounts.get((cap, whose)) or await self._summed(cap, whose)
                    account.open += 1
                    held.append(_Held(cap, whose, account))
        except BaseException:
            self._let_go(held)
            raise
        return tuple(held)

    async def _summed(self, cap: Cap, whose: Whose) -> _Account:
        """Return the account of what the book says; nobody counts towards it meanwhile, for nobody has it."""
        async with self._summing:
            if (cap, whose) not in self._accounts:
                sums = await self._bookings.sums(whose)
                self._tidy()
                used = sum(cap.of(each.spent) + cap.of(each.reserved) for each in sums)
                self._accounts[cap, whose] = _Account(used)
            return self._accounts[cap, whose]

    def _look(self, line: Line, held: Sequence[_Held]) -> None:
        """Raise `Limited` where a cap has not enough left; of several the one that has for the longest time not."""
        if self.stopped:
            raise Limited(f"{line.what} may not be paid for: spending is {self.stopped}", rule="spending is stopped")
        short = [each for each in held if each.left() < each.cap.of(line.amount)]
        if short:
            last = max(short, key=lambda each: each.whose.until_us)
            fits = all(each.left() + each.account.standing >= each.cap.of(line.amount) for each in short)
            raise _refusal(line, last, SOON if fits else None)

    async def _reserved(self, line: Line, held: tuple[_Held, ...]) -> int:
        try:
            id_ = await self._bookings.reserve(line)
        except BaseException:
            for each in held:
                each.falls(line.amount)
            self._let_go(held)
            self._free()
            raise
        within = (line.amount.ms / 1000 or LONGEST) + OVERDUE
        overdue = asyncio.get_running_loop().call_later(within, self._stands_no_longer, id_)
        self._standing[id_] = _Standing(line.holder, line.amount, held, overdue)
        return id_

    async def _settled(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> bool:
        async with self._summed_up(id_):
            line = await self._bookings.settle(id_, holder, state, amount, reported)
            if line is not None:
                self._correct(line, amount)
                if state == "spent":
                    self.booked(line, amount)
        return line is not None

    async def _doubted(self, id_: int, holder: str, known: Amount) -> bool:
        if known == NOTHING:
            standing = self._standing.get(id_)
            if standing is None or standing.holder != holder:
                return False
            self._stands_no_longer(id_)
            return True
        async with self._summed_up(id_):
            line = await self._bookings.doubt(id_, holder, known)
            if line is not None:
                self._correct(line, known, remaining(line.amount, known))
                self.booked(line, known)
        return line is not None

    @asynccontextmanager
    async def _summed_up(self, id_: int) -> AsyncGenerator[None]:
        """Change a line in the block: nobody sums up its accounts meanwhile, for they are held, or nobody may."""
        if standing := self._standing.get(id_):
            for each in standing.held:
                each.account.open += 1
            try:
                yield
            finally:
                self._let_go(standing.held)
        else:
            async with self._summing:
                yield

    def _stands_no_longer(self, id_: int) -> None:
        """Expect no more to hear of a reservation; it counts all the same."""
        if standing := self._standing.pop(id_, None):
            standing.overdue.cancel()
            for each in standing.held:
                each.account.standing -= each.cap.of(standing.amount)
            self._let_go(standing.held)
        self._free()

    def _correct(self, line: Line, *amounts: Amount) -> None:
        """Count `amounts` instead of what a line was, and which its holder is expected to speak of no more."""
        for cap in self.caps:
            for whose in cap.whose(line):
                if account := self._accounts.get((cap, whose)):
                    account.used += sum(map(cap.of, amounts)) - cap.of(line.amount)
        self._stands_no_longer(line.id)

    def _let_go(self, held: Sequence[_Held]) -> None:
        for each in held:
            each.account.open -= 1

    def _free(self) -> None:
        if self._freed is not None:
            self._freed.set()
            self._freed = None

    def _tidy(self) -> None:
        if len(self._accounts) >= self._most:
            self._accounts = {key: account for key, account in self._accounts.items() if account.open}
            self._most = max(ACCOUNTS, 2 * len(self._accounts))


def _refusal(line: Line, short: _Held, again: float | None) -> Limited:
    """Return why `line` may not be paid for; after the window it may be, unless it is more than the cap itself."""
    cap, asked, until = short.cap, short.cap.of(line.amount), ""
    if cap.period is not None:
        until = f" until {datetime.fromtimestamp(short.whose.until_us / MICRO, UTC):%Y-%m-%d %H:%M} UTC"
        if again is None and asked <= cap.most:
            again = (short.whose.until_us - line.at_us) / MICRO
    left = said(max(0, short.left()), cap.unit)
    stands = f", {said(short.account.standing, cap.unit)} stand reserved" if short.account.standing else ""
    told = f"{cap.title}: {left} are left{until}{stands}, and this may take {said(asked, cap.unit)}"
    return Limited(f"{line.what} may not be paid for: {told}", rule=f"budget: {cap.title}", retry_after=again)
