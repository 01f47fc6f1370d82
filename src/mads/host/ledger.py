"""The need `Ledger`: the core keeps the book, and who pays is read from the call that is handled."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct

from mads.bus.port import Bus
from mads.guard.budget.accounts import Accounts
from mads.guard.budget.counters import SOON
from mads.host.caller import PATIENCE, Caller
from mads.host.proxy import outcome
from mads.store.ledger.port import LAST, Bookings, Line, State
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import Denied, InvalidMessage, Limited
from mads.wire.ledger import NOTHING, Amount, Recent, Reported

T = TypeVar("T")

RESERVE, SETTLE, RECENT = "host.ledger.reserve", "host.ledger.settle", "host.ledger.recent"
DOUBT = "host.ledger.doubt"
AT_ONCE, CAPACITY = 64, 4096
MICRO = 1_000_000

NAMED = 200
"""Characters that the name of what is paid for may have."""

LONGEST = 3600.0
"""Seconds back that somebody may ask for."""


class Reserve(Struct, frozen=True, forbid_unknown_fields=True):
    """Reserve so much at most for `what`, where it may wait so many seconds; the reply is the reservation's id."""

    what: Annotated[str, Meta(min_length=1, max_length=NAMED)]
    most: Amount
    within: Annotated[float, Meta(ge=0, le=LONGEST)] = 0.0


class Settle(Struct, frozen=True, forbid_unknown_fields=True):
    """Settle a reservation."""

    reservation: int
    state: State
    amount: Amount
    reported: Reported | None = None


class Doubt(Struct, frozen=True, forbid_unknown_fields=True):
    """Leave a reservation to be reconciled, but for what is known of it."""

    reservation: int
    known: Amount


class Recently(Struct, frozen=True, forbid_unknown_fields=True):
    """Tell what was reserved in so many seconds."""

    seconds: Annotated[float, Meta(ge=0, le=LONGEST)]


class Ages:
    """How long ago lines were written, whatever the wall clock says: the last one at the start was `last`."""

    def __init__(self, last: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._last, self._clock = last, clock
        self._began = clock()
        self._written: dict[int, float] = {}

    def wrote(self, id_: int, at: float) -> None:
        """Note that a line was written; forget those that nobody asks for any more."""
        self._written[id_] = at
        while (first := next(iter(self._written))) != id_ and at - self._written[first] > LONGEST:
            del self._written[first]

    def now(self) -> float:
        """Return the time by a clock that does not jump."""
        return self._clock()

    async def latest(self, bookings: Bookings, holder: str, seconds: float) -> list[Recent]:
        """Return the lines of so many seconds, and of the last ones before the start; oldest first."""
        found: list[Recent] = []
        since: int | None = None
        before = LAST
        while page := await bookings.latest(holder=holder, before=before):
            for line in page:
                age = self._clock() - self._written.get(line.id, 0.0 if line.id > self._last else self._began)
                if line.id <= self._last:
                    since = line.at_us - int(seconds * MICRO) if since is None else since
                if age >= seconds or (since is not None and line.at_us <= since):
                    return found[::-1]
                found.append(Recent(line.what, age, line.amount))
            before = page[-1].id
        return found[::-1]


async def serve_ledger(
    bus: Bus, accounts: Accounts, bookings: Bookings, firsts: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Serve the book on `bus`: each MAD settles what it reserved itself.

    For what a MAD spends that is a second version the first one, which `firsts` names, pays too.
    """
    ages = Ages(max((line.id for line in await bookings.latest(limit=1)), default=0))
    serve = _Book(accounts, bookings, ages, firsts).serve
    await bus.subscribe((SETTLE, DOUBT, RECENT), serve, group="host.ledger", at_once=AT_ONCE, capacity=CAPACITY)
    # those who reserve may wait for those who settle, so they have an inbox of their own
    await bus.subscribe((RESERVE,), serve, group="host.ledger.reserve", at_once=CAPACITY, capacity=CAPACITY)


class _Book:
    """Answers those who spend."""

    def __init__(self, accounts: Accounts, bookings: Bookings, ages: Ages, firsts: Mapping[str, str]) -> None:
        self._accounts, self._bookings, self._ages, self._firsts = accounts, bookings, ages, firsts
        self._verbs: dict[str, Callable[[Call, str], Awaitable[Any]]] = {
            RESERVE: self._reserve,
            SETTLE: self._settle,
            DOUBT: self._doubt,
            RECENT: self._recent,
        }

    async def serve(self, call: Call) -> Reply:
        """Answer a MAD."""
        if not call.identity.chain:
            raise Denied("only a MAD keeps a book; call one that does")
        return Reply(codec.raw(await self._verbs[call.subject](call, call.identity.chain[-1])))

    async def _reserve(self, call: Call, holder: str) -> int:
        asked: Reserve = codec.decode(codec.raw(call.body), Reserve)
        until = self._ages.now() + asked.within
        while True:
            at, freed = self._ages.now(), self._accounts.freed
            try:
                id_ = await self._accounts.reserve(_line(call, holder, asked, self._firsts))
            except Limited as refused:
                if refused.retry_after != SOON or at >= until:
                    raise
            else:
                self._ages.wrote(id_, at)
                return id_
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until - at):
                    await freed.wait()

    async def _settle(self, call: Call, holder: str) -> None:
        asked: Settle = codec.decode(codec.raw(call.body), Settle)
        told = asked.state, asked.amount, asked.reported
        if not await self._accounts.settle(asked.reservation, holder, *told):
            raise _none_open(holder, asked.reservation)

    async def _doubt(self, call: Call, holder: str) -> None:
        asked: Doubt = codec.decode(codec.raw(call.body), Doubt)
        if not await self._accounts.doubt(asked.reservation, holder, asked.known):
            raise _none_open(holder, asked.reservation)

    async def _recent(self, call: Call, holder: str) -> list[Recent]:
        asked: Recently = codec.decode(codec.raw(call.body), Recently)
        return await self._ages.latest(self._bookings, holder, asked.seconds)


def _none_open(holder: str, reservation: int) -> InvalidMessage:
    return InvalidMessage(f"{holder} has no open reservation {reservation}; settle each once")


def _line(call: Call, holder: str, asked: Reserve, firsts: Mapping[str, str]) -> Line:
    identity = call.identity
    pay = (each for mad in identity.chain for each in (firsts.get(mad, mad), mad))
    return Line(
        at_us=int(time.time() * MICRO),
        tenant=identity.tenant,
        holder=holder,
        payer=identity.chain[-2] if len(identity.chain) > 1 else identity.principal,
        chain=tuple(dict.fromkeys(pay)),
        conversation=call.conversation or "",
        trace=call.trace,
        what=asked.what,
        amount=asked.most,
    )


class HostLedger:
    """The book, for one MAD."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller
        self._running = set[asyncio.Task[Any]]()

    async def reserve(self, what: str, most: Amount, *, within: float = 0.0) -> int:
        """Reserve so much; what comes for a caller that has gone is given back."""
        if not within >= 0:
            raise InvalidMessage(f"nobody waits {within!r} seconds; write how many at most, as in within=5.0")
        within = min(within, LONGEST)
        reserving = self._begun(self._ask(RESERVE, Reserve(what, most, within), int, PATIENCE + within))
        try:
            id_: int = await asyncio.shield(reserving)
        except asyncio.CancelledError:
            self._begun(self._given_back(reserving))
            raise
        return id_

    async def commit(self, reservation: int, spent: Amount, reported: Reported | None = None) -> None:
        """Say what it came to."""
        await self._told(SETTLE, Settle(reservation, "spent", spent, reported))

    async def release(self, reservation: int) -> None:
        """Say that it came to nothing."""
        await self._told(SETTLE, Settle(reservation, "released", NOTHING))

    async def doubt(self, reservation: int, known: Amount = NOTHING) -> None:
        """Say that nobody knows what it came to."""
        await self._told(DOUBT, Doubt(reservation, known))

    async def recent(self, seconds: float) -> Sequence[Recent]:
        """Return what was reserved in so many seconds."""
        found: list[Recent] = await self._ask(RECENT, Recently(seconds), list[Recent])
        return found

    async def _told(self, subject: str, body: Settle | Doubt) -> None:
        """Say what came of a reservation, to the end: whoever it was for may be gone."""
        await asyncio.shield(self._begun(self._ask(subject, body, type(None))))

    async def _given_back(self, reserving: asyncio.Task[int]) -> None:
        await self.release(await reserving)

    def _begun(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # where nobody waits any more, nobody is to be told

    async def _ask(
        self, subject: str, body: Reserve | Settle | Doubt | Recently, answer: Any, timeout: float = PATIENCE
    ) -> Any:
        call = self._caller.call(subject, codec.raw(body), timeout=timeout, outlives=True)
        return outcome(await self._bus.request(call), answer, subject)
