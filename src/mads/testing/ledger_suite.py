"""What every store of the ledger must hold: `CHECKS`, each of which gets an empty store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from mads.store.ledger.port import Bookings, Line, Whose
from mads.wire.ledger import NOTHING, Amount, By, Reported, Sum
from mads.wire.model import Usage

Check = Callable[[Bookings], Awaitable[None]]
"""A promise as a test."""

MOST = Amount(900, Usage(100, 20, 3, 400))
SPENT = Amount(7, Usage(10, 2, 0, 4), saved_usd=5, escalated=1)
SAID = Reported(5, 12)
LINE = Line(at_us=1_700_000_000_000_000, tenant="acme", holder="fiedler", payer="scribe", what="small", amount=MOST)


async def what_is_reserved_stands_until_it_is_settled(bookings: Bookings) -> None:
    first, second = await bookings.reserve(LINE), await bookings.reserve(replace(LINE, payer="naïve ✓"))
    assert second > first
    assert await bookings.settle(first, "fiedler", "spent", SPENT)
    assert list(await bookings.lines()) == [
        replace(LINE, id=first, state="spent", amount=SPENT),
        replace(LINE, id=second, payer="naïve ✓"),
    ]
    assert [line.id for line in await bookings.lines(of="reserved")] == [second]
    assert [line.id for line in await bookings.lines(after=first)] == [second]
    assert [line.id for line in await bookings.lines(limit=1)] == [first]


async def a_reservation_is_settled_once_and_by_its_holder(bookings: Bookings) -> None:
    id_ = await bookings.reserve(LINE)
    assert not await bookings.settle(id_, "scribe", "released", NOTHING)
    assert not await bookings.settle(id_ + 1, "fiedler", "released", NOTHING)
    assert await bookings.settle(id_, "fiedler", "released", NOTHING)
    assert not await bookings.settle(id_, "fiedler", "spent", SPENT)
    assert [line.state for line in await bookings.lines()] == ["released"]


async def what_is_disputed_is_open_until_it_is_settled_by_hand(bookings: Bookings) -> None:
    first, second = await bookings.reserve(LINE), await bookings.reserve(LINE)
    assert await bookings.settle(first, "fiedler", "spent", SPENT, SAID)
    disputed = replace(LINE, id=first, state="spent", amount=SPENT, reported=SAID)
    assert list(await bookings.lines(of="open")) == [disputed, replace(LINE, id=second)]
    assert [line.id for line in await bookings.lines(of="reserved")] == [second]
    (both,) = await bookings.sums(Whose(by="system"))
    assert (both.spent, both.disputed, both.reserved) == (SPENT, SPENT, MOST)
    assert not await bookings.settle(first, "fiedler", "spent", SPENT)
    assert await bookings.settle(first, None, "spent", MOST) == disputed
    assert not await bookings.settle(first, None, "spent", MOST)
    assert [line.amount for line in await bookings.lines()] == [MOST, MOST]


async def of_what_nobody_knows_the_known_part_is_spent_and_the_rest_stands(bookings: Bookings) -> None:
    id_ = await bookings.reserve(LINE)
    assert not await bookings.doubt(id_, "scribe", SPENT)
    assert await bookings.doubt(id_, "fiedler", SPENT) == replace(LINE, id=id_)
    rest, known = await bookings.lines(of="open")
    assert (rest.id, rest.state, rest.amount) == (id_, "reserved", Amount(893, Usage(90, 18, 3, 396), 0))
    assert (known.state, known.amount, known.reported) == ("spent", SPENT, Reported())
    assert await bookings.settle(id_, "fiedler", "released", NOTHING) == rest
    assert not await bookings.doubt(id_, "fiedler", SPENT)


async def of_many_that_settle_one_reservation_one_does(bookings: Bookings) -> None:
    id_ = await bookings.reserve(LINE)
    settled = await asyncio.gather(*(bookings.settle(id_, "fiedler", "spent", SPENT) for _ in range(20)))
    assert [line for line in settled if line] == [replace(LINE, id=id_)]


async def the_newest_come_first_and_those_of_one_holder_alone(bookings: Bookings) -> None:
    first, second, third = [await bookings.reserve(replace(LINE, holder=it)) for it in ("fiedler", "other", "fiedler")]
    assert [line.id for line in await bookings.latest()] == [third, second, first]
    assert [line.id for line in await bookings.latest(holder="fiedler", before=third)] == [first]
    assert [line.id for line in await bookings.latest(limit=1)] == [third]


async def sums_are_of_what_was_spent_and_what_is_reserved_of_those_that_fit(bookings: Bookings) -> None:
    early = replace(LINE, chain=("lead", "scribe"), conversation="c1", trace="t1")
    late = replace(LINE, at_us=LINE.at_us + 10, tenant="bolt", chain=("lead",), payer="lead", what="big")
    await bookings.settle(await bookings.reserve(early), "fiedler", "spent", SPENT)
    for line in (early, late):
        await bookings.reserve(line)
    await bookings.settle(await bookings.reserve(late), "fiedler", "released", NOTHING)
    both = Sum(name="", tenant="", spent=SPENT, reserved=Amount(1800, Usage(200, 40, 6, 800), 2))
    acme, bolt = replace(both, reserved=MOST), replace(both, spent=NOTHING, reserved=MOST)
    named: dict[By, list[tuple[str, str, Sum]]] = {
        "system": [("", "", both)],
        "tenant": [("acme", "acme", acme), ("bolt", "bolt", bolt)],
        "mad": [("lead", "", both), ("scribe", "", acme)],
        "conversation": [("c1", "acme", acme)],
        "call": [("t1", "acme", acme)],
        "payer": [("scribe", "acme", acme), ("lead", "bolt", bolt)],
        "model": [("small", "acme", acme), ("big", "bolt", bolt)],
    }
    for by, sums in named.items():
        wanted = [replace(found, name=name, tenant=tenant) for name, tenant, found in sums]
        assert list(await bookings.sums(Whose(by=by))) == wanted
        assert list(await bookings.sums(Whose(by=by), limit=1)) == wanted[:1]
    assert [it.name for it in await bookings.sums(Whose(by="mad", tenant="bolt"))] == ["lead"]
    assert [it.name for it in await bookings.sums(Whose(by="mad", name="scribe"))] == ["scribe"]
    assert [it.spent for it in await bookings.sums(Whose(by="system", since_us=late.at_us))] == [NOTHING]
    assert [it.reserved for it in await bookings.sums(Whose(by="system", until_us=late.at_us))] == [MOST]
    assert not await bookings.sums(Whose(by="conversation", name="c2"))


CHECKS: tuple[Check, ...] = (
    what_is_reserved_stands_until_it_is_settled,
    a_reservation_is_settled_once_and_by_its_holder,
    what_is_disputed_is_open_until_it_is_settled_by_hand,
    of_what_nobody_knows_the_known_part_is_spent_and_the_rest_stands,
    of_many_that_settle_one_reservation_one_does,
    the_newest_come_first_and_those_of_one_holder_alone,
    sums_are_of_what_was_spent_and_what_is_reserved_of_those_that_fit,
)
"""Every promise."""
