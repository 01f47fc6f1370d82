"""The need `Ledger`: the core keeps the book, and who pays is read from the call that is handled."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from mads.bus.port import Bus, Subscription
from mads.guard.budget.accounts import Accounts
from mads.host.caller import Caller
from mads.host.proxy import outcome
from mads.store.ledger.port import LAST, Bookings, Line, State
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.ledger import NOTHING, Amount, Recent

RESERVE, SETTLE, RECENT = "host.ledger.reserve", "host.ledger.settle", "host.ledger.recent"
AT_ONCE, CAPACITY = 64, 4096
MICRO = 1_000_000

LONGEST = 3600.0
"""Seconds back that somebody may ask for."""


class Reserve(Struct, frozen=True, forbid_unknown_fields=True):
    """Reserve so much at most for `what`; the reply is the reservation's id."""

    what: str
    most: Amount


class Settle(Struct, frozen=True, forbid_unknown_fields=True):
    """Settle a reservation."""

    reservation: int
    state: State
    amount: Amount


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


async def serve_ledger(bus: Bus, accounts: Accounts, bookings: Bookings) -> Subscription:
    """Serve the book on `bus`: each MAD settles what it reserved itself."""
    ages = Ages(max((line.id for line in await bookings.latest(limit=1)), default=0))

    async def reserve(call: Call, holder: str) -> Any:
        asked: Reserve = codec.decode(codec.raw(call.body), Reserve)
        identity = call.identity
        line = Line(
            at_us=int(time.time() * MICRO),
            tenant=identity.tenant,
            holder=holder,
            payer=identity.chain[-2] if len(identity.chain) > 1 else identity.principal,
            chain=tuple(dict.fromkeys(identity.chain)),
            conversation=call.conversation or "",
            trace=call.trace,
            what=asked.what,
            amount=asked.most,
        )
        at = ages.now()
        id_ = await accounts.reserve(line)
        ages.wrote(id_, at)
        return id_

    async def settle(call: Call, holder: str) -> Any:
        asked: Settle = codec.decode(codec.raw(call.body), Settle)
        if not await accounts.settle(asked.reservation, holder, asked.state, asked.amount):
            raise InvalidMessage(f"{holder} has no open reservation {asked.reservation}; settle each once")

    async def recent(call: Call, holder: str) -> Any:
        asked: Recently = codec.decode(codec.raw(call.body), Recently)
        return await ages.latest(bookings, holder, asked.seconds)

    verbs: dict[str, Callable[[Call, str], Awaitable[Any]]] = {RESERVE: reserve, SETTLE: settle, RECENT: recent}

    async def serve(call: Call) -> Reply:
        if not call.identity.chain:
            raise Denied("only a MAD keeps a book; call one that does")
        return Reply(codec.raw(await verbs[call.subject](call, call.identity.chain[-1])))

    return await bus.subscribe(tuple(verbs), serve, group="host.ledger", at_once=AT_ONCE, capacity=CAPACITY)


class HostLedger:
    """The book, for one MAD."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def reserve(self, what: str, most: Amount) -> int:
        """Reserve so much."""
        id_: int = await self._ask(RESERVE, Reserve(what, most), int)
        return id_

    async def commit(self, reservation: int, spent: Amount) -> None:
        """Say what it came to."""
        await self._ask(SETTLE, Settle(reservation, "spent", spent), type(None))

    async def release(self, reservation: int) -> None:
        """Say that it came to nothing."""
        await self._ask(SETTLE, Settle(reservation, "released", NOTHING), type(None))

    async def recent(self, seconds: float) -> Sequence[Recent]:
        """Return what was reserved in so many seconds."""
        found: list[Recent] = await self._ask(RECENT, Recently(seconds), list[Recent])
        return found

    async def _ask(self, subject: str, body: Reserve | Settle | Recently, answer: Any) -> Any:
        call = self._caller.call(subject, codec.raw(body), outlives=True)
        return outcome(await self._bus.request(call), answer, subject)
