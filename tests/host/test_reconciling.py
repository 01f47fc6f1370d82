"""A provider's bill brought to the book: to the millionth, whatever runs meanwhile, and no call is forgotten by it.

Covers the arithmetic over the twin of the store. Does not cover the command: tests/cli/test_budget.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.guard.budget.accounts import Accounts
from mads.host.budgets import BudgetConfig
from mads.host.reconciling import reconcile
from mads.host.spending import Spending
from mads.store.ledger.memory import MemoryBookings
from mads.store.ledger.port import Kind, Line, Whose
from mads.wire.errors import InvalidMessage, Limited
from mads.wire.ledger import NOTHING, Amount, Bill, Reported, Sum
from mads.wire.model import Usage

COVERS = ("R-071",)

LINE = Line(at_us=10**15, tenant="acme", holder="fiedler", payer="scribe", what="small", amount=Amount(1000))
BOOKED = st.lists(st.tuples(st.integers(0, 50), st.none() | st.integers(0, 80)), min_size=1, max_size=8)


@given(BOOKED, st.integers(0, 500))
def test_a_bill_settles_what_is_open_to_the_millionth_or_is_refused(
    booked: list[tuple[int, int | None]], charged: int
) -> None:
    async def walk() -> None:
        book = MemoryBookings()
        accounts = Accounts([], book)
        kept = await accounts.reserve(replace(LINE, amount=Amount(10)))
        await accounts.settle(kept, "fiedler", "spent", Amount(10))
        for counted, reported in booked:
            id_ = await accounts.reserve(replace(LINE, amount=Amount(counted)))
            if reported is not None:
                said = Reported(reported, reported)
                await accounts.settle(id_, "fiedler", "spent", Amount(max(counted, reported)), said)
        running = sum(counted for counted, reported in booked if reported is None)
        accounts = Accounts([], book) if charged % 2 else accounts
        settling = [each for each in await book.lines(of="open") if not accounts.running(each.id)]
        if charged < 10 or (charged > 10 and not settling):
            with pytest.raises(InvalidMessage, match=r"what nobody disputes|nothing is open"):
                await reconcile(Bill(charged), None, accounts, book)
            return
        came = await reconcile(Bill(charged), None, accounts, book)
        assert (came.ledger, came.settled, came.lines) == (charged, charged - 10, len(settling))
        assert [each.state for each in await book.lines(of="open")].count("spent") == 0
        (found,) = await book.sums(Whose(by="system"))
        assert found.spent.micro_usd + found.reserved.micro_usd == charged + (0 if charged % 2 else running)

    asyncio.run(walk())


async def test_a_bill_in_money_leaves_the_calls_that_left_and_what_costs_nothing_as_they_were_counted() -> None:
    book = MemoryBookings()
    accounts = Accounts([*BudgetConfig(system="4 calls").caps({})], book)
    for amount, reported in (
        (Amount(50, Usage(40), ms=7), Reported(0, 0)),  # the provider charged nothing for it
        (Amount(0, Usage(30), ms=5), Reported(0, 20)),  # a model that costs nothing
    ):
        id_ = await accounts.reserve(replace(LINE, amount=Amount(90, Usage(90), ms=900)))
        await accounts.settle(id_, "fiedler", "spent", amount, reported)
    await accounts.doubt(
        await accounts.reserve(replace(LINE, amount=Amount(90, Usage(90), ms=900))), "fiedler", NOTHING
    )
    assert (await reconcile(Bill(0), None, accounts, book)).ledger == 0
    assert not await book.lines(of="open")
    (found,) = await book.sums(Whose(by="system"))
    assert found.spent == Amount(0, Usage(30), calls=3, ms=12)
    await accounts.reserve(LINE)
    with pytest.raises(Limited, match="0 calls are left"):
        await accounts.reserve(LINE)


class Busy(MemoryBookings):
    """A store in which something happens right after the first look at it."""

    meanwhile: Callable[[], Coroutine[Any, Any, object]] | None = None

    async def lines(self, *, of: Kind | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return lines."""
        found = await super().lines(of=of, after=after, limit=limit)
        await self._happen()
        return found

    async def sums(self, whose: Whose, limit: int = 1000) -> Sequence[Sum]:
        """Return sums."""
        found = await super().sums(whose, limit)
        await self._happen()
        return found

    async def _happen(self) -> None:
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            await happening()


async def test_what_begins_and_ends_while_a_bill_is_brought_to_the_book_is_left_out_of_it() -> None:
    book = Busy()
    accounts = Accounts([], book)
    for amount, reported in ((10, None), (50, Reported(40, 4))):
        id_ = await accounts.reserve(LINE)
        await accounts.settle(id_, "fiedler", "spent", Amount(amount), reported)
    running = await accounts.reserve(LINE)

    async def meanwhile() -> None:
        assert await accounts.settle(running, "fiedler", "spent", Amount(7))
        await accounts.reserve(LINE)

    book.meanwhile = meanwhile
    came = await reconcile(Bill(45), None, accounts, book)
    assert (came.settled, came.lines, came.ledger, came.running) == (35, 1, 45 + 7, 1)


async def test_what_is_settled_by_hand_is_the_calls_that_it_was() -> None:
    book = MemoryBookings()
    accounts = Accounts([], book)
    id_ = await accounts.reserve(LINE)
    await accounts.doubt(id_, "fiedler", Amount(400))
    spending = Spending(accounts, book)
    for line in await book.lines(of="open"):
        await spending.settle(line.id, Amount(line.amount.micro_usd // 2))
    (found,) = await book.sums(Whose(by="system"))
    assert (found.spent.micro_usd, found.spent.calls, found.reserved) == (500, 1, NOTHING)
