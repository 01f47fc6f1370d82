"""A budget holds before a real provider: with many at once, with agents of agents, and after the core was killed.

Covers what callers, the provider's bill and the operator see, in every place. Does not cover the arithmetic of the
accounts: tests/guard/test_budget.py does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mads import Amount, Failed, Lost, MadsError
from mads.host.budgets import BudgetConfig
from mads.host.config import MadConfig
from mads.testing.placed import Placed, placed
from mads.testing.provider import Provider, provider
from mads.wire.ledger import Whole

COVERS = ("R-070", "R-071", "R-075")
pytestmark = pytest.mark.slow

IN, OUT = 1, 2
"""Dollars a million tokens, so that a token costs as many millionths."""


@pytest.fixture
def billing() -> Generator[Provider]:
    with provider() as it:
        yield it


def spenders(it: Provider, **budgets: str) -> dict[str, Any]:
    """Return the MADs of a system that asks this provider."""
    price = {"input": IN, "output": OUT}
    told = {"url": it.url, "models": {"small": {"id": "small", "price": price}}}
    settings = {"providers": {"a": told}, "policy": [{"models": ["small"]}]}
    may = (f"net:{it.root.removeprefix('http://')}",)
    fiedler = MadConfig("mads.duos.fiedler:Fiedler", may=may, set=settings, at_once=64)
    use = {"lead": "tests.behaviour.spenders:Lead", "agent": "tests.behaviour.spenders:Agent"}
    mads = {name: MadConfig(each, budget=budgets.get(name, ()), at_once=64) for name, each in use.items()}
    return {"fiedler": fiedler, **mads}


def bill(it: Provider) -> int:
    """Return what the provider bills, by its own count."""
    return sum(seen.billed[0] * IN + seen.billed[1] * OUT for seen in it.seen())


async def spent(it: Placed) -> Whole:
    """Return what the book says was spent or stands reserved."""
    (found,) = await it.system.spending.cost("system", 0)
    return found.spent.micro_usd + found.reserved.micro_usd


@pytest.mark.parametrize("run", ["here", "process"])
async def test_fifty_at_once_spend_no_more_than_there_is_and_the_others_are_told_why(
    tmp_path: Path, run: str, billing: Provider
) -> None:
    written = BudgetConfig(conversation="0.006 USD")
    async with placed(tmp_path, run, budget=written, **spenders(billing)) as it:
        told = await it.call("lead.run", times=50, within=60, conversation="c1")
        assert 0 < told.count("ok") < 50
        assert all("each conversation: 0.006 USD" in each for each in told if each != "ok")
        assert bill(billing) <= await spent(it) <= 6_000
        before = len(billing.seen())
        with pytest.raises(Failed, match=r"each conversation: 0\.006 USD"):
            await it.call("agent.ask", text="word " * 12_000, conversation="c1")
        with pytest.raises(Failed, match=r"each conversation: 0\.006 USD"):
            await it.call("fiedler.embed", texts=["word " * 12_000], conversation="c1")
        assert len(billing.seen()) == before
        assert await it.call("fiedler.embed", texts=["so it is"], conversation="c2")
        assert await it.call("agent.ask", text="hello", conversation="c2")


@pytest.mark.parametrize("run", ["here", "process"])
async def test_what_others_have_reserved_is_waited_for_and_may_be_spent(
    tmp_path: Path, run: str, billing: Provider
) -> None:
    written = BudgetConfig(conversation="0.012 USD")  # each may take 0.0024, and takes 0.00017
    async with placed(tmp_path, run, budget=written, **spenders(billing)) as it:
        assert await it.call("lead.run", times=50, within=60, conversation="c1") == ["ok"] * 50


@pytest.mark.parametrize("run", ["here", "process"])
async def test_a_mad_pays_for_its_agents_and_who_does_not_go_through_it_does_not(
    tmp_path: Path, run: str, billing: Provider
) -> None:
    async with placed(tmp_path, run, **spenders(billing, lead="3 calls/day")) as it:
        told = await it.call("lead.run", times=8, within=60)
        assert (told.count("ok"), len(billing.seen())) == (3, 3)
        assert all("mad lead: 3 calls/day" in each for each in told if each != "ok")
        assert await it.call("agent.ask", text="hello")
    async with placed(tmp_path, run, **spenders(billing, lead="3 calls/day")) as it:
        assert (await it.call("lead.run", times=2, within=60)).count("ok") == 0
        (use,) = await it.system.spending.caps()
        assert (use.name, use.spent, use.reserved, use.most) == ("lead", 3, 0, 3)


async def test_what_a_budget_refuses_takes_no_place_in_the_minute_of_its_provider(
    tmp_path: Path, billing: Provider
) -> None:
    mads = spenders(billing, agent="1 calls")
    mads["fiedler"].set["providers"]["a"]["requests"] = 3
    async with placed(tmp_path, **mads) as it:
        assert await it.call("agent.ask", text="hello")
        for _ in range(3):
            with pytest.raises(Failed, match="mad agent: 1 calls"):
                await it.call("agent.ask", text="hello")
        await it.call("fiedler.embed", texts=["so it is"])
        await it.call("fiedler.complete", request={"messages": [{"role": "user", "text": "hello"}]})
    assert len(billing.seen()) == 3


@pytest.mark.parametrize("run", ["here", "process"])
async def test_a_reservation_that_makes_no_sense_is_refused_with_what_to_write(tmp_path: Path, run: str) -> None:
    async with placed(tmp_path, run, spender="tests.behaviour.spenders:Spender") as it:
        for what, within, said in (
            ("", 0.0, "length >= 1"),
            ("x" * 201, 0.0, "length <= 200"),
            ("ink", -1.0, r"nobody waits -1\.0 seconds; write how many"),
            ("ink", float("nan"), "nobody waits nan seconds"),
        ):
            with pytest.raises(MadsError, match=said):
                await it.call("spender.spend", what=what, within_s=str(within), tokens=1)
        with pytest.raises(MadsError, match="<= 1000000000000000"):
            await it.call("spender.spend", what="ink", within_s="0", tokens=2**62)
        await it.call("spender.spend", what="ink", within_s="inf", tokens=10**15)


async def test_what_a_mad_reserved_that_crashed_counts_and_may_be_settled_at_once(tmp_path: Path) -> None:
    written = BudgetConfig(system="0.00001 USD")
    async with placed(tmp_path, "process", budget=written, spender="tests.behaviour.spenders:Spender") as it:
        with pytest.raises(Lost):
            await it.call("spender.crash")
        async with asyncio.timeout(10):
            while (line := (await it.system.spending.reservations(0))[0]).stands == "running":
                await asyncio.sleep(0.01)
        assert (line.stands, await spent(it)) == ("unknown", 9)
        await it.system.spending.settle(line.id, Amount(4))
        assert (await spent(it), await it.system.spending.reservations(0)) == (4, [])


@pytest.mark.parametrize("run", ["here", "process"])
async def test_once_spending_is_stopped_nothing_leaves_any_more(tmp_path: Path, run: str, billing: Provider) -> None:
    async with placed(tmp_path, run, **spenders(billing)) as it:
        running = [asyncio.create_task(it.call("lead.run", times=40, within=60)) for _ in range(3)]
        async with asyncio.timeout(30):
            while not billing.seen():
                await asyncio.sleep(0.01)
        await it.call("steward.stop", principal="operator", what="spend", why="enough")
        stopped = time.time()
        told = [each for said in await asyncio.gather(*running) for each in said]
        assert all("stopped" in each for each in told if each != "ok")
        assert max(seen.at for seen in billing.seen()) < stopped + 1
        with pytest.raises(Failed, match="stopped by operator: enough"):
            await it.call("agent.ask", text="hello")
        await it.call("steward.resume", principal="operator", what="spend")
        assert await it.call("agent.ask", text="hello")
