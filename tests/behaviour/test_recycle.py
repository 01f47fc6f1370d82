"""A MAD is replaced by a new one of its kind when it is due, and no call is lost; one that takes too much is killed.

Covers calls, age and memory as reasons, limits of memory and of processes. Does not cover what grows: see
tests/host/test_census.py.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from mads import Failed, Lost
from mads.host.config import MadConfig
from mads.host.lifecycle import Recycle
from mads.testing.placed import placed
from tests.behaviour.conftest import ROOT, Troupe
from tests.behaviour.test_supervision import status, until, until_state
from tests.behaviour.troupe import Gardener
from tests.host.greedy import Greedy

COVERS = ("R-117", "R-120")

TREE = MadConfig("tests.behaviour.troupe:Tree")
GREEDY = MadConfig("tests.host.greedy:Greedy")


@pytest.mark.slow
@pytest.mark.parametrize("rule", [Recycle(calls=20), Recycle(age="300 ms")], ids=["calls", "age"])
async def test_a_mad_that_is_due_is_replaced_and_no_call_is_lost(troupe: Troupe, rule: Recycle) -> None:
    async with troupe(tree=replace(TREE, recycle=rule), gardener="tests.behaviour.troupe:Gardener") as it:
        start = (await status(it, "tree")).uptime_s
        calls: list[asyncio.Task[str]] = []

        async def replaced() -> bool:
            calls.extend(asyncio.create_task(it.mad(Gardener).sway_below(0.1)) for _ in range(4))
            await asyncio.sleep(0.05)
            return (await status(it, "tree")).uptime_s < start

        async def older() -> bool:
            nonlocal start
            start = (await status(it, "tree")).uptime_s
            return start >= 0.2

        await until(older)
        await until(replaced)
        assert {*await asyncio.gather(*calls)} == {"still"}
        assert (await status(it, "tree")).restarts == 0


@pytest.mark.slow
async def test_a_child_that_has_grown_is_replaced(tmp_path: Path) -> None:
    greedy = replace(GREEDY, recycle=Recycle(rss="150 MB"))
    async with placed(tmp_path, "process", path=(ROOT,), greedy=greedy) as it:
        before = await it.mad(Greedy).where()
        await it.mad(Greedy).take(200)

        async def other() -> bool:
            return await it.mad(Greedy).where() != before

        await until(other)
        assert (await status(it, "greedy")).restarts == 0


@pytest.mark.slow
async def test_a_child_that_takes_too_much_memory_is_replaced_and_one_that_asks_for_too_much_is_refused(
    tmp_path: Path,
) -> None:
    async with placed(tmp_path, "process", path=(ROOT,), greedy=replace(GREEDY, memory="256 MB")) as it:
        before = await it.mad(Greedy).where()
        with pytest.raises(Failed, match="MemoryError"):
            await it.mad(Greedy).take(1000)
        assert await it.mad(Greedy).where() == before
        with suppress(Lost):  # it is killed as soon as it is seen, which may be before its answer has left
            await it.mad(Greedy).take(235)

        async def replaced() -> bool:
            return (await status(it, "greedy")).restarts == 1

        await until(replaced)
        seen = await until_state(it, "greedy", "running")
        assert "256 MB is the limit" in seen.why
        assert await it.mad(Greedy).where() != before


@pytest.mark.slow
async def test_a_child_that_forks_without_end_is_killed_with_all_its_offspring(tmp_path: Path) -> None:
    async with placed(tmp_path, "process", path=(ROOT,), greedy=replace(GREEDY, processes=8), tree=TREE) as it:
        with pytest.raises(Lost):
            await it.mad(Greedy).multiply()

        async def replaced() -> bool:
            return (await status(it, "greedy")).restarts == 1

        await until(replaced)
        assert "more than the 8 processes" in (await until_state(it, "greedy", "running")).why
        assert (await status(it, "tree")).restarts == 0
