"""More is asked of a MAD than it can do: who is next, who is refused, and what an operator sees, in every place."""

from __future__ import annotations

import asyncio

import pytest

from mads import Overloaded
from mads.testing.placed import Placed
from mads.wire.status import Status
from tests.behaviour.conftest import Troupe, serial, until_running

COVERS = ("R-059", "R-122", "R-123")

A_WHILE = 0.03


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
