"""After a thousand mixed calls the book comes to what the provider bills, model by model, to the millionth.

Covers answers, streams, failures, retries, fallbacks, callers that leave, and usage that is lied about or not told.
Does not cover caps, nor a core that is killed: tests/behaviour/test_budget.py and test_runaway.py do.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mads import MadsError
from mads.host.config import MadConfig
from mads.testing.placed import Heard, Placed, placed
from mads.testing.provider import Provider, Say, provider

COVERS = ("R-070", "R-071")
pytestmark = pytest.mark.slow

CALLS, AT_ONCE, SEED = 1000, 50, 11
PRICES = {"big": (5, 20), "small": (1, 4)}
"""Dollars a million tokens, so that a token costs as many millionths."""

FAULTS = (
    Say(status=500, retry_after=0.01),
    Say(status=429, retry_after=0.01),
    Say(status=400),
    Say(raw="{"),
    Say(cut=2),
    Say(delay=0.3),
    Say(usage=(1, 1)),
    Say(usage=(900, 900)),
)


@asynccontextmanager
async def asked(folder: Path, run: str, it: Provider) -> AsyncGenerator[Placed]:
    """Run a system in which Fiedler asks a dear model, then a cheap one."""
    models = {name: {"id": name, "price": {"input": came, "output": went}} for name, (came, went) in PRICES.items()}
    settings = {"providers": {"a": {"url": it.url, "models": models}}, "policy": [{"models": [*PRICES]}]}
    may = (f"net:{it.root.removeprefix('http://')}",)
    fiedler = MadConfig("mads.duos.fiedler:Fiedler", run=run, may=may, set=settings, at_once=64)  # type: ignore[arg-type]
    async with placed(folder, fiedler=fiedler) as system:
        yield system


async def one(it: Placed, number: int, chance: random.Random) -> None:
    """Ask once: for an answer or a stream, with much time or little, to its end or not."""
    request = {"messages": [{"role": "user", "text": f"{number}: " + "word " * chance.randrange(1, 60)}]}
    tool = chance.choice(("fiedler.complete", "fiedler.stream"))
    within = 0.25 if chance.random() < 0.05 else 20.0
    call = asyncio.create_task(it.call(tool, request=request, within=within, heard=Heard()))
    if chance.random() < 0.1:
        await asyncio.sleep(chance.random() * 0.05)
        call.cancel()
    await asyncio.wait([call])
    assert call.cancelled() or isinstance(call.exception(), MadsError | None)


async def opened(it: Placed) -> Sequence[dict[str, Any]]:
    """Return the lines that are open."""
    found, after = list[dict[str, Any]](), 0
    while page := await it.call("steward.reservations", principal="operator", after=after):
        found += page
        after = found[-1]["id"]
    return found


def billed(it: Provider) -> Counter[str]:
    """Return what the provider bills for each model, by its own count."""
    bill = Counter[str]()
    for seen in it.seen():
        (came, went), tokens = PRICES[seen.body["model"]], seen.billed
        bill[seen.body["model"]] += tokens[0] * came + tokens[1] * went
    return bill


@pytest.mark.parametrize("run", ["here", "process"])
async def test_after_a_thousand_mixed_calls_the_book_is_the_bill_once_it_is_reconciled(
    tmp_path: Path, run: str
) -> None:
    chance = random.Random(SEED)  # noqa: S311  what is mixed can be mixed again
    with provider() as bills:
        bills.say(*(chance.choice(FAULTS) if chance.random() < 0.2 else Say() for _ in range(CALLS)))
        async with asked(tmp_path, run, bills) as it:
            gate = asyncio.Semaphore(AT_ONCE)

            async def gated(number: int) -> None:
                async with gate:
                    await one(it, number, random.Random(number))  # noqa: S311  as above

            await asyncio.gather(*(gated(number) for number in range(CALLS)))
            async with asyncio.timeout(40):
                while any(line["stands"] == "running" for line in await opened(it)):
                    await asyncio.sleep(0.1)
            bill = billed(bills)
            stands = Counter(line["stands"] for line in await opened(it))
            assert min(stands["disputed"], stands["unknown"], bill["big"], bill["small"]) > 0
            for model, charged in bill.items():
                told = {"micro_usd": charged, "model": model}
                came = await it.call("steward.reconcile", principal="operator", bill=told, within=20)
                assert (came["ledger"], came["running"]) == (charged, 0)
            sums = await it.system.spending.cost("model", 0)
            assert {each.name: each.spent.micro_usd for each in sums} == bill
            assert not await opened(it)
            [all_] = await it.system.spending.cost("system", 0)
            assert (all_.spent.micro_usd, all_.reserved.micro_usd) == (bill.total(), 0)
