"""What every store of the ledger must hold: `CHECKS`, each of which gets an empty store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from mads.store.ledger.port import Bookings, Line
from mads.wire.ledger import Amount
from mads.wire.model import Usage

Check = Callable[[Bookings], Awaitable[None]]
"""A promise as a test."""

MOST = Amount(900, Usage(100, 20, 3, 400))
SPENT = Amount(7, Usage(10, 2, 0, 4))
LINE = Line(at_us=1_700_000_000_000_000, tenant="acme", holder="fiedler", payer="scribe", what="small", amount=MOST)


async def what_is_reserved_stands_until_it_is_settled(bookings: Bookings) -> None:
    first, second = await bookings.reserve(LINE), await bookings.reserve(replace(LINE, payer="naïve ✓"))
    assert second > first
    assert await bookings.settle(first, "fiedler", "spent", SPENT)
    assert list(await bookings.lines()) == [
        replace(LINE, id=first, state="spent", amount=SPENT),
        replace(LINE, id=second, payer="naïve ✓"),
    ]
    assert [line.id for line in await bookings.lines(state="reserved")] == [second]
    assert [line.id for line in await bookings.lines(after=first)] == [second]
    assert [line.id for line in await bookings.lines(limit=1)] == [first]


async def a_reservation_is_settled_once_and_by_its_holder(bookings: Bookings) -> None:
    id_ = await bookings.reserve(LINE)
    assert not await bookings.settle(id_, "scribe", "released", Amount(calls=0))
    assert not await bookings.settle(id_ + 1, "fiedler", "released", Amount(calls=0))
    assert await bookings.settle(id_, "fiedler", "released", Amount(calls=0))
    assert not await bookings.settle(id_, "fiedler", "spent", SPENT)
    assert [line.state for line in await bookings.lines()] == ["released"]


async def of_many_that_settle_one_reservation_one_does(bookings: Bookings) -> None:
    id_ = await bookings.reserve(LINE)
    settled = await asyncio.gather(*(bookings.settle(id_, "fiedler", "spent", SPENT) for _ in range(20)))
    assert settled.count(True) == 1


CHECKS: tuple[Check, ...] = (
    what_is_reserved_stands_until_it_is_settled,
    a_reservation_is_settled_once_and_by_its_holder,
    of_many_that_settle_one_reservation_one_does,
)
"""Every promise."""
