"""More is asked of a MAD than it can do: who is next, who is refused, and what an operator sees, in every place."""

from __future__ import annotations

import asyncio

import pytest

from mads import Overloaded, mad, tool
from mads.host.config import MadConfig
from mads.testing.placed import Placed
from mads.wire.status import Status
from tests.behaviour.batch import Batch
from tests.behaviour.conftest import Troupe, serial, until_running

COVERS = ("R-059", "R-122", "R-123", "R-124", "R-126")

A_WHILE = 0.03


@mad
class Broker:
    """You ask a market that answers the later, the more is asked of it at once."""

    def __init__(self) -> None:
        self._asked = self._most = 0

    @tool
    async def ask(self) -> int:
        """Ask; return how many asked at once at most."""
        self._asked += 1
        self._most = max(self._most, self._asked)
        await asyncio.sleep(0.004 * max(1.0, self._asked / 4))
        self._asked -= 1
        return self._most


async def status(it: Placed) -> Status:
    return next(seen for seen in await it.system.status() if seen.mad == "tree")


async def until_waiting(it: Placed, count: int) -> Status:
    async with asyncio.timeout(5):
        while (seen := await status(it)).waiting != count:
            await asyncio.sleep(0.005)
    return seen


def swaying(it: Placed, talk: str, seconds: float, within: float = 10.0) -> asyncio.Task[str]:
    return asyncio.create_task(it.call("tree.sway", conversation=talk, within=within, seconds=seconds))


@pytest.mark.slow
async def test_a_conversation_that_asks_much_does_not_keep_another_waiting(troupe: Troupe) -> None:
    async with troupe(tree=serial("tree")) as it:
        many = [swaying(it, "many", A_WHILE) for _ in range(8)]
        await until_waiting(it, 7)
        assert await swaying(it, "one", A_WHILE) == "still"
        assert sum(task.done() for task in many) <= 3
        await asyncio.gather(*many)


@pytest.mark.slow
async def test_what_waits_is_seen_with_how_long_and_for_what(troupe: Troupe) -> None:
    async with troupe(tree=serial("tree")) as it:
        asked = [swaying(it, "many", 0.3) for _ in range(3)]
        await until_running(it, "sway", 1)
        seen = await until_waiting(it, 2)
        assert seen.waits == "2 normal: 1 of 1 places are taken"
        async with asyncio.timeout(5):
            while (await status(it)).oldest_s == 0:
                await asyncio.sleep(0.02)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        seen = await until_waiting(it, 0)
        assert (seen.waits, seen.oldest_s) == ("", 0)


@pytest.mark.slow
async def test_what_cannot_be_in_time_is_refused_at_once_and_says_when_to_come_back(troupe: Troupe) -> None:
    async with troupe(tree=serial("tree")) as it:
        await asyncio.gather(*(swaying(it, "known", 0.05) for _ in range(3)))
        asked = [swaying(it, "many", 0.05) for _ in range(8)]
        await until_waiting(it, 7)
        with pytest.raises(Overloaded, match=r"what is before it takes 0\.\d s, and 0\.2 s are left") as refused:
            await swaying(it, "many", 0.05, within=0.2)
        assert refused.value.retry_after is not None
        assert 0.2 < refused.value.retry_after < 2
        assert (await status(it)).refused == {"full": 0, "late": 1, "shed": 0}
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


BATCH = MadConfig("tests.behaviour.batch:Batch", band="bulk")


@pytest.mark.slow
async def test_a_job_gives_way_between_two_steps_and_goes_on_where_it_stopped(troupe: Troupe) -> None:
    async with troupe(tree=serial("tree"), batch=BATCH) as it:
        batch = it.mad(Batch)
        await batch.begin(4)
        async with asyncio.timeout(5):
            while len(await batch.taken()) < 1:
                await asyncio.sleep(0.005)
        asked = [swaying(it, "urgent", 0.4) for _ in range(4)]
        async with asyncio.timeout(5):
            while not await parked(it):
                await asyncio.sleep(0.02)
        assert len(await batch.taken()) < 4
        await asyncio.gather(*asked)
        async with asyncio.timeout(10):
            while not await batch.done():
                await asyncio.sleep(0.02)

        assert [step for step, _ in await batch.taken()] == ["step 0", "step 1", "step 2", "step 3"]
        assert {attempt for _, attempt in await batch.taken()} > {1}
        (seen,) = [seen for seen in await it.system.status() if seen.mad == "batch"]
        assert (seen.parked, seen.commands, seen.dead) == (0, 0, 0)
        assert sum(tool.failed for tool in seen.tools) == 0


async def parked(it: Placed) -> int:
    return next(seen for seen in await it.system.status() if seen.mad == "batch").parked


async def test_what_a_mad_of_the_last_band_asks_leaves_places_to_others(troupe: Troupe) -> None:
    tree = MadConfig("tests.behaviour.troupe:Tree", at_once=2)
    async with troupe(tree=tree, batch=BATCH) as it:
        asked = [asyncio.create_task(it.call("batch.sway", seconds=5)) for _ in range(3)]
        seen = await until_waiting(it, 2)
        assert seen.waits == (
            "2 bulk: others of their key are handled, or the places that are free are kept for what is more urgent"
        )
        assert await swaying(it, "urgent", 0) == "still"
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


@pytest.mark.slow
async def test_a_mad_that_finds_out_how_many_it_handles_at_once_stays_where_none_gets_slow(troupe: Troupe) -> None:
    async with troupe(broker=MadConfig(f"{__name__}:Broker", at_once="auto", inbox=1000)) as it:
        most = max(await asyncio.gather(*(it.call("broker.ask", within=30) for _ in range(400))))
    assert 4 <= most < 64


@pytest.mark.slow
async def test_two_hundred_conversations_are_held_side_by_side(troupe: Troupe) -> None:
    tree = MadConfig("tests.behaviour.troupe:Tree", at_once=256)

    async def talk(number: int) -> list[str]:
        return [await swaying(it, f"talk-{number}", 2.0, within=30.0) for _ in range(2)]

    async with troupe(tree=tree) as it:
        talks = [asyncio.create_task(talk(number)) for number in range(200)]
        assert await until_running(it, "sway", 200)
        assert await asyncio.gather(*talks) == [["still"] * 2] * 200
        assert (await status(it)).refused == {"full": 0, "late": 0, "shed": 0}
