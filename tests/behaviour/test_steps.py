"""A command of several steps goes on where an attempt at it ended, wherever its handler runs.

Covers results, what is repeated, names, mistakes and the way of a failure. Does not cover the death of the core:
tests/host/test_steps_crash.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from mads import InvalidMessage, Lost, NoResponder
from mads.testing.placed import Placed
from mads.wire.status import DeadLetter
from tests.behaviour.conftest import Troupe
from tests.behaviour.shop import Bank, Bought, Order, Paid, Shop

COVERS = ("R-120",)

SHOP = {"shop": "tests.behaviour.shop:Shop", "bank": "tests.behaviour.shop:Bank"}
Open = Callable[[], AbstractAsyncContextManager[Placed]]


@pytest.fixture
def market(troupe: Troupe) -> Open:
    return lambda: troupe(**SHOP)


async def test_the_results_of_steps_come_back_and_each_is_taken_once(market: Open) -> None:
    async with market() as it:
        command = await it.mad(Shop).order(Order("tea"))
        assert await _bought(it, 1) == [Bought("tea", "shelf of tea", Paid(1), [0, 10], 1)]
        (asked,) = await it.mad(Bank).all()
        assert (asked.command, asked.key) == (f"command-{command}:pay", f"command-{command}:pay")
        assert {did.command for did in await it.mad(Shop).log()} == {f"command-{command}"}


@pytest.mark.parametrize(
    ("at", "fetched", "paid", "shipped"),
    [("after fetch", 1, 1, (1, 1)), ("after pay", 1, 1, (1, 1)), ("within pay", 1, 2, (1, 1))],
)
async def test_a_finished_step_is_not_repeated_and_an_unfinished_one_is(
    market: Open, at: str, fetched: int, paid: int, shipped: tuple[int, int]
) -> None:
    async with market() as it:
        await it.mad(Shop).order(Order("tea", at=at))
        (bought,) = await _bought(it, 1)
        assert (bought.attempt, bought.shelf, bought.parcels) == (2, "shelf of tea", [0, 10])
        assert bought.paid == Paid(paid)
        counts = await _counts(it)
        assert counts["fetch"] == fetched
        assert (counts["ship 0"], counts["ship 1"]) == shipped
        assert len({asked.command for asked in await it.mad(Bank).all()}) == 1


async def test_of_steps_side_by_side_the_finished_ones_are_not_repeated(market: Open) -> None:
    async with market() as it:
        await it.mad(Shop).order(Order("tea", parcels=5, at="within ship 4"))
        (bought,) = await _bought(it, 1)
        counts = await _counts(it)
        assert bought.parcels == [0, 10, 20, 30, 40]
        assert counts["ship 4"] == 2
        assert {counts[f"ship {number}"] for number in range(4)} <= {1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("at", ["after pay", "within ship 1"])
async def test_a_child_that_dies_between_two_steps_goes_on_with_the_second(
    market: Open, placement: str, at: str
) -> None:
    if placement == "process":
        async with market() as it:
            await it.mad(Shop).order(Order("tea", at=at, how="exit"))
            (bought,) = await _bought(it, 1)
            assert (bought.attempt, bought.paid) == (2, Paid(1))
            counts = await _counts(it)
            assert counts["fetch"] == 1
            assert counts["ship 1"] == 2 if at == "within ship 1" else counts["ship 1"] == 1


async def test_steps_outside_of_a_command_are_refused_with_what_to_write(market: Open) -> None:
    async with market() as it:
        with pytest.raises(InvalidMessage, match=r"step 'fetch' is outside of a command; .*`send\(self.shop.buy, …\)`"):
            await it.mad(Shop).buy(Order("tea"))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (
            "twice",
            "step 'fetch' was asked for before in this command; give each its own name, in a loop f\"fetch {n}\"",
        ),
        ("untold", "write what Shop._untold returns"),
        ("large", "Shop._large returned 2000005 bytes and 1048576 can be kept; keep them in a `Kept` field"),
        ("lie", "what Shop._lie returned cannot be kept: Expected `int`, got `str`; it gave 'one'"),
        ("no work", "is no tool and no `async def`"),
        ("no name", "'' names no step"),
        (
            "changed",
            "step 'money' of command 1 called bank.pay in an earlier attempt, and the code now calls bank.refund",
        ),
    ],
)
async def test_a_mistake_is_a_dead_letter_that_says_what_to_write(market: Open, how: str, said: str) -> None:
    async with market() as it:
        await it.mad(Shop).err(how)
        assert said in (await _dead(it)).why


async def test_a_dead_letter_that_is_tried_again_keeps_its_finished_steps(market: Open) -> None:
    async with market() as it:
        command = await it.mad(Shop).err("changed")
        await _dead(it)
        assert (await it.system.dead.one(command)).steps == ("money",)
        await it.call("steward.dead_retry", letter=command)
        assert "called bank.pay in an earlier attempt" in (await _dead(it, attempts=3)).why


async def _bought(it: Placed, count: int) -> list[Bought]:
    async with asyncio.timeout(20):
        while True:
            try:
                if len(found := await it.mad(Shop).done()) == count:
                    return found
            except (Lost, NoResponder):
                pass  # its process has just died, and comes again
            await asyncio.sleep(0.02)


async def _counts(it: Placed) -> dict[str, int]:
    names = [did.what for did in await it.mad(Shop).log()]
    return {name: names.count(name) for name in names}


async def _dead(it: Placed, *, attempts: int = 0) -> DeadLetter:
    async with asyncio.timeout(20):
        while not (
            found := [letter for letter in (await it.system.dead.oldest()).letters if letter.attempts >= attempts]
        ):
            await asyncio.sleep(0.02)
        return found[0]
