"""What a MAD keeps, hears and does by the clock, and what happens when its process dies.

Covers kept values, events, timers, the death of a child and of the core, blocked loops. Does not cover restart rules
beyond "again, with growing pauses, until it ends too often".
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mads import Failed, Lost, NoResponder
from mads.testing.placed import Placed, placed
from tests.behaviour.conftest import ROOT, Troupe, until_running
from tests.behaviour.troupe import Gardener, Leaf, Tree

COVERS = ("R-020", "R-033", "R-103", "R-111", "R-121")

TREE = "tests.behaviour.troupe:Tree"
GARDENER = "tests.behaviour.troupe:Gardener"


async def test_kept_values_outlive_the_system(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        await it.mad(Tree).grow(Leaf("oak"))
        await it.mad(Tree).grow(Leaf("elm"))
    async with troupe("tree") as it:
        assert await it.mad(Tree).all() == [Leaf("oak"), Leaf("elm")]


async def test_mads_do_not_see_what_others_keep(troupe: Troupe) -> None:
    async with troupe(tree=TREE, other=TREE) as it:
        await it.mad(Tree).grow(Leaf("oak"))
        assert await it.mad(Tree, "other").all() == []


async def test_an_event_is_heard_by_whoever_names_it(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        await it.mad(Tree).drop(Leaf("birch"))
        await _until(lambda: it.mad(Gardener).raked(), [Leaf("birch")])


async def test_an_event_outlives_the_call_that_told_of_it(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        await it.call("tree.drop", leaf={"text": "slow"}, within=0.2)
        await _until(lambda: it.mad(Gardener).raked(), [Leaf("slow")])


async def test_an_event_by_hand_takes_any_plain_ending_of_its_name(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        for name in ("Fell", "troupe.Fell", "troupe.Fell.v1"):
            assert await it.call("steward.emit", event=name, body={"leaf": {"text": "ash"}}) == 1
        await _until(lambda: it.mad(Gardener).raked(), [Leaf("ash")] * 3)


async def test_a_timer_runs_at_start_and_again(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        async with asyncio.timeout(5):
            while await it.mad(Gardener).marks() < 3:
                await asyncio.sleep(0.02)


async def test_a_blocked_loop_is_blamed_on_the_mad_that_blocks_it(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        await it.mad(Tree).block(0.6)
        blocked = {status.mad: status.blocked for status in await it.system.status()}
        assert (blocked["tree"], blocked["gardener"]) == (1, 0)


@pytest.mark.slow
async def test_a_child_killed_in_the_middle_of_a_call_gives_a_typed_error_and_is_back(tmp_path: Path) -> None:
    async with placed(tmp_path, "process", path=(ROOT,), tree=TREE, gardener=GARDENER) as it:
        await it.mad(Tree).grow(Leaf("oak"))
        before = await it.mad(Tree).where()
        below = asyncio.create_task(it.call("gardener.sway_below", seconds=20))
        direct = asyncio.create_task(it.call("tree.sway", seconds=20))
        await until_running(it, "sway", 2)
        os.kill(before, signal.SIGKILL)
        with pytest.raises(Lost):
            await direct
        with pytest.raises(Failed) as caught:
            await below
        assert isinstance(caught.value.__cause__, Lost)
        assert await _where_again(it) != before
        assert await it.mad(Tree).all() == [Leaf("oak")]


@pytest.mark.slow
async def test_a_child_that_lets_go_of_its_link_is_replaced(tmp_path: Path) -> None:
    async with placed(tmp_path, "process", path=(ROOT,), tree=TREE) as it:
        before = await it.mad(Tree).where()
        with pytest.raises(Lost):
            await it.call("tree.break_", how="let go")
        assert await _where_again(it) != before


@pytest.mark.slow
async def test_a_child_that_keeps_ending_is_given_up_and_says_why(tmp_path: Path) -> None:
    async with placed(tmp_path, "process", path=(ROOT,), tree=TREE) as it:
        async with asyncio.timeout(20):
            while (status := (await it.system.status())[0]).state != "quarantined":
                with pytest.raises((Lost, NoResponder)):
                    await it.call("tree.break_", how="end")
                await asyncio.sleep(0.05)
        assert "status 7" in status.why
        with pytest.raises(NoResponder, match=r"tree is quarantined.*mads restart tree"):
            await it.mad(Tree).where()


async def _where_again(it: Placed) -> int:
    async with asyncio.timeout(5):
        while True:
            try:
                return await it.mad(Tree).where()
            except NoResponder:
                await asyncio.sleep(0.02)


async def _until(ask: Callable[[], Awaitable[object]], answer: object) -> None:
    async with asyncio.timeout(5):
        while await ask() != answer:
            await asyncio.sleep(0.02)
