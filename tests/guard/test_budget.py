"""What is reserved and spent stays within every cap, whoever asks side by side, whatever fails, and after a restart.

Covers the accounts over the twin of the store, against a plain model that sums up the book. Does not cover who spends:
tests/behaviour/test_budget.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.guard.budget.accounts import SOON, Accounts
from mads.guard.budget.cap import MICRO, Cap, said
from mads.host.budgets import BudgetConfig
from mads.store.ledger.memory import MemoryBookings
from mads.store.ledger.port import Line
from mads.wire.errors import Limited, StoreError
from mads.wire.ledger import NOTHING, Amount
from mads.wire.model import Usage

COVERS = ("R-070", "R-071")

NOON = 1_800_014_400 * MICRO  # 2027-01-15 12:00 UTC
HOUR = 3600 * MICRO
LINE = Line(at_us=NOON, tenant="acme", holder="fiedler", payer="scribe", what="small", amount=Amount(1000))


def caps(mads: dict[str, str] | None = None, **written: str) -> list[Cap]:
    """Return the caps of a table `[budget]`."""
    return [*BudgetConfig(**written).caps(mads or {})]  # type: ignore[arg-type]


def line(
    *chain: str, usd: float = 0.0, tokens: int = 0, tenant: str = "acme", conversation: str = "", at: int = NOON
) -> Line:
    """Return a reservation of so much."""
    amount = Amount(round(usd * 1_000_000), Usage(tokens))
    return replace(LINE, at_us=at, tenant=tenant, chain=chain, conversation=conversation, amount=amount)


class Slow(MemoryBookings):
    """A store that takes a while, and sometimes cannot write."""

    full = False

    async def reserve(self, line: Line) -> int:
        """Keep a reservation, if there is room."""
        await asyncio.sleep(0)
        if self.full:
            raise StoreError("the disk is full")
        return await super().reserve(line)


LINES = st.builds(
    line,
    usd=st.integers(0, 6).map(lambda tenths: tenths / 10),
    tokens=st.integers(0, 400),
    tenant=st.sampled_from(("acme", "bolt")),
    conversation=st.sampled_from(("", "c1", "c2")),
    at=st.sampled_from((NOON - HOUR, NOON, NOON + 24 * HOUR)),
).flatmap(lambda it: st.sampled_from(((), ("scribe",), ("lead", "scribe"))).map(lambda chain: replace(it, chain=chain)))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.lists(LINES, min_size=1, max_size=12)),
        st.tuples(st.just("cancel"), LINES),
        st.tuples(st.just("commit"), st.floats(0, 1)),
        st.tuples(st.just("release"), st.none()),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("full"), LINES),
    ),
    max_size=12,
)
CAPS = caps(
    {"scribe": "0.7 USD/day"}, system="2 USD/day", tenant="900 tokens/hour", conversation="0.8 USD", call="3 calls"
)


def over(book: Sequence[Line]) -> list[str]:
    """Return the caps that the lines of a book exceed, summed up one by one."""
    sums: dict[tuple[str, str], int] = {}
    for cap in CAPS:
        for each in book:
            for whose in cap.whose(each):
                key = (cap.title, repr(whose))
                sums[key] = sums.get(key, 0) + (0 if each.state == "released" else cap.of(each.amount))
    most = {cap.title: cap.most for cap in CAPS}
    return [title for (title, _), used in sums.items() if used > most[title]]


@given(STEPS)
def test_whatever_happens_no_cap_is_exceeded_and_what_is_released_can_be_spent(steps: list[tuple[str, Any]]) -> None:
    async def walk() -> None:
        book = Slow()
        accounts = Accounts(CAPS, book)
        for step, what in steps:
            opened = [each.id for each in await book.lines(of="reserved")]
            match step, what:
                case "reserve", _:
                    await asyncio.gather(*(accounts.reserve(each) for each in what), return_exceptions=True)
                case "cancel", Line() as one:
                    task = asyncio.create_task(accounts.reserve(one))
                    await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    await accounts.close()
                    assert [each.id for each in await book.lines(of="reserved")] == opened
                case "full", Line() as one:
                    book.full = True
                    with pytest.raises((StoreError, Limited)):
                        await accounts.reserve(one)
                    book.full = False
                case "commit", float() as share if opened:
                    before = (await book.lines())[opened[0] - 1].amount
                    spent = replace(before, micro_usd=int(before.micro_usd * share))
                    assert await accounts.settle(opened[0], "fiedler", "spent", spent)
                case "release", None if opened:
                    assert await accounts.settle(opened[-1], "fiedler", "released", NOTHING)
                    assert not await accounts.settle(opened[-1], "fiedler", "released", NOTHING)
                case "restart", None:
                    accounts = Accounts(CAPS, book)
                case _:
                    pass
            assert over(await book.lines()) == []
        anew = Accounts(CAPS, book)
        for probe in (line("scribe", usd=0.2, conversation="c1"), line("lead", tokens=300), line(tenant="bolt")):
            assert await admits(accounts, probe) == await admits(anew, probe)

    asyncio.run(walk())


async def admits(accounts: Accounts, probe: Line) -> bool:
    """Return whether one more line is admitted, and take it back."""
    try:
        await accounts.settle(await accounts.reserve(probe), None, "released", NOTHING)
    except Limited:
        return False
    return True


async def test_of_fifty_at_once_as_many_are_admitted_as_the_cap_has_room_for() -> None:
    book = Slow()
    accounts = Accounts(caps(system="1 USD"), book)
    found = await asyncio.gather(*(accounts.reserve(line(usd=0.3)) for _ in range(50)), return_exceptions=True)
    assert [type(each) for each in found].count(Limited) == 47
    assert sum(each.amount.micro_usd for each in await book.lines()) == 900_000


@pytest.mark.parametrize(
    ("spender", "again"),
    [
        (line("lead", "scribe", usd=1), line("scribe", usd=0.1)),
        (line("scribe", "lead", usd=1), line("lead", "scribe", usd=0.1)),
    ],
)
async def test_a_mad_pays_for_whom_it_calls(spender: Line, again: Line) -> None:
    accounts = Accounts(caps({"scribe": "1 USD/day"}), MemoryBookings())
    assert await accounts.settle(await accounts.reserve(spender), "fiedler", "spent", spender.amount)
    with pytest.raises(Limited, match=r"mad scribe: 1 USD/day: 0 USD are left until 2027-01-16 00:00 UTC") as caught:
        await accounts.reserve(again)
    assert (caught.value.rule, caught.value.retry_after) == ("budget: mad scribe: 1 USD/day", 12 * 3600)
    await accounts.reserve(line("lead", usd=5))


async def test_what_others_have_reserved_is_free_soon_and_what_stands_since_a_crash_is_not() -> None:
    book = MemoryBookings()
    accounts = Accounts(caps(system="1 USD"), book)
    first, freed = await accounts.reserve(line(usd=0.8)), accounts.freed
    with pytest.raises(Limited, match=r"0\.2 USD are left, 0\.8 USD stand reserved, and this may take 0\.5") as caught:
        await accounts.reserve(line(usd=0.5))
    assert (caught.value.retry_after, freed.is_set()) == (SOON, False)
    with pytest.raises(Limited, match="0 USD are left, and this may take") as caught:
        await Accounts(caps(system="0.8 USD"), book).reserve(line(usd=0.5))
    assert caught.value.retry_after is None
    assert await accounts.settle(first, "fiedler", "spent", Amount(100_000))
    assert freed.is_set()
    await accounts.reserve(line(usd=0.5))


async def test_what_will_never_fit_says_so_and_of_several_caps_the_longest_counts() -> None:
    accounts = Accounts(caps(system="10 tokens/hour", tenant="20 tokens"), MemoryBookings())
    with pytest.raises(Limited, match="each tenant: 20 tokens: 20 tokens are left, and this may take 25") as caught:
        await accounts.reserve(line(tokens=25))
    assert caught.value.retry_after is None


async def test_a_named_tenant_has_its_own_cap_instead_of_that_of_each() -> None:
    written = BudgetConfig(tenant="1 USD", tenants={"acme": "3 USD"})
    accounts = Accounts([*written.caps({})], MemoryBookings())
    await accounts.reserve(line(usd=2.5))
    with pytest.raises(Limited, match="each tenant: 1 USD"):
        await accounts.reserve(line(usd=2.5, tenant="bolt"))


async def test_a_new_window_begins_with_nothing_and_an_old_one_keeps_what_was_spent() -> None:
    accounts = Accounts(caps(system="1 USD/hour"), MemoryBookings())
    await accounts.reserve(line(usd=1))
    await accounts.reserve(line(usd=1, at=NOON + HOUR))
    with pytest.raises(Limited):
        await accounts.reserve(line(usd=0.1))


async def test_what_a_provider_charges_beyond_the_reservation_counts_as_well() -> None:
    accounts = Accounts(caps(system="1 USD"), MemoryBookings())
    assert await accounts.settle(await accounts.reserve(line(usd=0.1)), "fiedler", "spent", Amount(999_999))
    with pytest.raises(Limited, match=r"0\.000001 USD are left"):
        await accounts.reserve(line(usd=0.1))


@pytest.mark.parametrize(
    ("counted", "unit", "words"),
    [(250_000, "USD", "0.25 USD"), (1200, "tokens", "1,200 tokens"), (2500, "s", "2.5 s"), (100, "calls", "100 calls")],
)
def test_an_amount_is_said_as_a_person_reads_it(counted: int, unit: str, words: str) -> None:
    assert said(counted, unit) == words  # type: ignore[arg-type]
