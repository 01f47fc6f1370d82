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

from mads.guard.budget.accounts import Accounts
from mads.guard.budget.cap import MICRO, Cap, said
from mads.guard.budget.counters import SOON
from mads.host.budgets import BudgetConfig
from mads.store.ledger.memory import MemoryBookings
from mads.store.ledger.port import Line, State, Whose
from mads.wire.errors import Limited, StoreError
from mads.wire.ledger import NOTHING, Amount, Reported, Sum
from mads.wire.model import Usage

COVERS = ("R-070", "R-071", "R-133")

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

    async def settle(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> Line | None:
        """Settle a reservation, if there is room."""
        await asyncio.sleep(0)
        if self.full:
            raise StoreError("the disk is full")
        return await super().settle(id_, holder, state, amount, reported)


LINES = st.builds(
    line,
    usd=st.integers(0, 6).map(lambda tenths: tenths / 10),
    tokens=st.integers(0, 400),
    tenant=st.sampled_from(("acme", "bolt")),
    conversation=st.sampled_from(("", "c1", "c2")),
    at=st.sampled_from((NOON - 999 * HOUR, NOON - HOUR, NOON, NOON + 24 * HOUR)),  # a clock that jumps
).flatmap(lambda it: st.sampled_from(((), ("scribe",), ("lead", "scribe"))).map(lambda chain: replace(it, chain=chain)))
SHARED = ("commit", "commit_on_a_full_disk", "commit_many_times", "doubt")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.lists(LINES, min_size=1, max_size=12)),
        st.tuples(st.sampled_from(("cancel", "reserve_on_a_full_disk")), LINES),
        st.tuples(st.sampled_from(SHARED), st.floats(0, 1)),
        st.tuples(st.sampled_from(("release", "restart")), st.none()),
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


class Walk:
    """Accounts over a book, and what may happen to them."""

    def __init__(self) -> None:
        self.book = Slow()
        self.accounts = Accounts(CAPS, self.book)

    async def take(self, step: str, what: Any) -> None:
        """Let something happen."""
        await getattr(self, f"_{step}")(what, await self._opened())

    async def _opened(self) -> list[int]:
        return [each.id for each in await self.book.lines(of="reserved")]

    async def _share(self, id_: int, share: float) -> Amount:
        before = (await self.book.lines())[id_ - 1].amount
        return replace(before, micro_usd=int(before.micro_usd * share))

    async def _reserve(self, lines: list[Line], opened: list[int]) -> None:
        del opened
        await asyncio.gather(*(self.accounts.reserve(each) for each in lines), return_exceptions=True)

    async def _cancel(self, line: Line, opened: list[int]) -> None:
        task = asyncio.create_task(self.accounts.reserve(line))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.accounts.close()
        assert await self._opened() == opened

    async def _reserve_on_a_full_disk(self, line: Line, opened: list[int]) -> None:
        self.book.full = True
        with pytest.raises((StoreError, Limited)):
            await self.accounts.reserve(line)
        self.book.full = False
        assert await self._opened() == opened

    async def _commit(self, share: float, opened: list[int]) -> None:
        for id_ in opened[:1]:
            assert await self.accounts.settle(id_, "fiedler", "spent", await self._share(id_, share))

    async def _commit_on_a_full_disk(self, share: float, opened: list[int]) -> None:
        self.book.full = True
        for id_ in opened[:1]:
            with pytest.raises(StoreError, match="full"):
                await self.accounts.settle(id_, "fiedler", "spent", await self._share(id_, share))
        self.book.full = False
        assert await self._opened() == opened

    async def _commit_many_times(self, share: float, opened: list[int]) -> None:
        for id_ in opened[:1]:
            spent = await self._share(id_, share)
            again = [self.accounts.settle(id_, "fiedler", "spent", spent) for _ in range(3)]
            assert sorted(await asyncio.gather(*again)) == [False, False, True]

    async def _doubt(self, share: float, opened: list[int]) -> None:
        before = total(await self.book.sums(Whose(by="system")))
        for id_ in opened[:1]:
            known = await self._share(id_, share)
            is_told = self.accounts.running(id_) or known != NOTHING
            assert await self.accounts.doubt(id_, "fiedler", known) is is_told
        assert total(await self.book.sums(Whose(by="system"))) == before

    async def _release(self, _: None, opened: list[int]) -> None:
        for id_ in opened[-1:]:
            assert await self.accounts.settle(id_, "fiedler", "released", NOTHING)
            assert not await self.accounts.settle(id_, "fiedler", "released", NOTHING)

    async def _restart(self, _: None, opened: list[int]) -> None:
        self.accounts = Accounts(CAPS, self.book)
        assert await self._opened() == opened


@given(STEPS)
def test_whatever_happens_no_cap_is_exceeded_and_what_is_released_can_be_spent(steps: list[tuple[str, Any]]) -> None:
    async def walk() -> None:
        it = Walk()
        for step, what in steps:
            await it.take(step, what)
            assert over(await it.book.lines()) == []
        anew = Accounts(CAPS, it.book)
        for probe in (line("scribe", usd=0.2, conversation="c1"), line("lead", tokens=300), line(tenant="bolt")):
            assert await admits(it.accounts, probe) == await admits(anew, probe)

    asyncio.run(walk())


def total(sums: Sequence[Sum]) -> int:
    """Return what is spent and reserved, in millionths of a dollar."""
    return sum(each.spent.micro_usd + each.reserved.micro_usd for each in sums)


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


async def test_what_was_spent_and_is_reserved_counts_towards_a_cap_that_changes() -> None:
    accounts = Accounts(caps(system="2 USD/day", tenant="900 tokens/hour"), MemoryBookings())
    spent, stands = [await accounts.reserve(line(usd=0.8)) for _ in range(2)]
    await accounts.settle(spent, "fiedler", "spent", Amount(700_000))

    assert accounts.adopt(caps(system="1.6 USD/day", tenant="900 tokens/hour"))
    with pytest.raises(Limited, match=r"1\.6 USD/day: 0\.1 USD are left"):
        await accounts.reserve(line(usd=0.2))
    assert accounts.adopt(caps(system="1 USD/day", tenant="900 tokens/hour"))
    with pytest.raises(Limited, match="0 USD are left"):
        await accounts.reserve(line(usd=0.1))
    await accounts.settle(stands, "fiedler", "released", NOTHING)
    await accounts.reserve(line(usd=0.3))


@pytest.mark.parametrize(
    "other",
    [
        caps(system="2 USD/day"),
        caps(system="2 USD/month", tenant="900 tokens/hour"),
        caps(system="2 calls/day", tenant="900 tokens/hour"),
        caps(system="2 USD/day", conversation="900 tokens/hour"),
    ],
)
async def test_caps_that_count_something_else_are_not_taken_up(other: list[Cap]) -> None:
    accounts = Accounts(before := caps(system="2 USD/day", tenant="900 tokens/hour"), MemoryBookings())
    assert not accounts.adopt(other)
    assert accounts.caps == tuple(before)


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


async def test_whoever_says_nothing_in_its_time_is_waited_for_no_longer_and_its_reservation_counts() -> None:
    accounts = Accounts(caps(system="1 USD"), MemoryBookings(), overdue=0.01)
    id_ = await accounts.reserve(replace(line(usd=0.9), amount=Amount(900_000, ms=1)))
    with pytest.raises(
        Limited, match=r"0\.1 USD are left, 0\.9 USD stand reserved, and this may take 0\.2 USD"
    ) as caught:
        await accounts.reserve(line(usd=0.2))
    assert caught.value.retry_after == SOON
    async with asyncio.timeout(5):
        await accounts.freed.wait()
    assert not accounts.running(id_)
    with pytest.raises(Limited, match=r"0\.1 USD are left, and this may take 0\.2 USD") as caught:
        await accounts.reserve(line(usd=0.2))
    assert caught.value.retry_after is None
    assert await accounts.settle(id_, "fiedler", "spent", Amount(1000))
    await accounts.reserve(line(usd=0.2))


async def test_what_is_on_its_way_to_a_slow_disk_when_spending_is_stopped_may_not_be_spent() -> None:
    book = Slow()
    accounts = Accounts(caps(system="1 USD"), book)
    reserving = asyncio.create_task(accounts.reserve(LINE))
    await asyncio.sleep(0)
    accounts.stopped = "stopped by operator: enough"
    with pytest.raises(Limited, match="enough"):
        await reserving
    await accounts.close()
    assert [each.state for each in await book.lines()] == ["released"]
