"""What becomes of a MAD that ends, hangs, or is started anew.

Covers restart types, quarantine and its release, strategies, the watchdog, health, a new life without a lost call. Does
not cover the rule itself against a model: see tests/host/test_restarts.py.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from mads import Lost, NoResponder
from mads.host.config import MadConfig
from mads.host.lifecycle import Supervision
from mads.testing.placed import Placed, placed
from mads.wire.errors import ConfigError
from mads.wire.status import Status
from tests.behaviour.conftest import ROOT, Troupe, until_running
from tests.behaviour.troupe import Gardener, Leaf, Tree

COVERS = ("R-111", "R-112", "R-121")

TREE = MadConfig("tests.behaviour.troupe:Tree")
GARDENER = MadConfig("tests.behaviour.troupe:Gardener")


async def status(it: Placed, mad: str) -> Status:
    """Return how a MAD fares."""
    return next(status for status in await it.system.status() if status.mad == mad)


async def until(true: Callable[[], Awaitable[bool]], within: float = 10) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(within):
        while not await true():
            await asyncio.sleep(0.02)


async def until_state(it: Placed, mad: str, state: str) -> Status:
    """Wait until a MAD is in a state."""

    async def reached() -> bool:
        return (await status(it, mad)).state == state

    await until(reached)
    return await status(it, mad)


async def test_a_mad_that_is_started_anew_loses_no_call_and_keeps_what_it_kept(troupe: Troupe) -> None:
    async with troupe(tree=TREE, gardener=GARDENER) as it:
        await it.mad(Tree).grow(Leaf("oak"))
        long = asyncio.create_task(it.mad(Tree).sway(0.6))
        await until_running(it, "sway", 1)
        before, gardener = await it.mad(Tree).where(), await status(it, "gardener")
        await it.call("steward.restart", mad="tree")
        assert (await it.mad(Tree).where() != before) is ((await status(it, "tree")).run == "process")
        assert await it.mad(Tree).all() == [Leaf("oak")]
        assert await long == "still"
        after = await status(it, "gardener")
        assert (after.pid, after.restarts) == (gardener.pid, gardener.restarts)
        assert after.uptime_s >= gardener.uptime_s


async def test_calls_of_one_key_are_never_handled_twice_at_once_while_a_mad_is_replaced(troupe: Troupe) -> None:
    async with troupe(tree=replace(TREE, at_once=1)) as it:
        calls = [asyncio.create_task(it.mad(Tree).sway(0.1)) for _ in range(8)]
        await it.call("steward.restart", mad="tree")
        assert await asyncio.gather(*calls) == ["still"] * 8


async def test_the_control_plane_does_not_restart_itself_nor_what_is_not_there(troupe: Troupe) -> None:
    async with troupe(tree=TREE) as it:
        for name, why in (("steward", "cannot do it to itself"), ("bush", "there is tree")):
            with pytest.raises(Exception, match=why):
                await it.call("steward.restart", mad=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "how", "state"),
    [
        ("permanent", signal.SIGTERM, "running"),
        ("transient", signal.SIGTERM, "ended"),
        ("transient", signal.SIGKILL, "running"),
        ("temporary", signal.SIGKILL, "ended"),
    ],
)
async def test_a_child_that_ends_is_restarted_as_its_type_says(tmp_path: Path, kind: str, how: int, state: str) -> None:
    tree = replace(TREE, restart=kind)
    async with placed(tmp_path, "process", path=(ROOT,), tree=tree) as it:
        pid = await it.mad(Tree).where()
        os.kill(pid, how)

        async def gone() -> bool:
            return (await status(it, "tree")).pid != pid

        await until(gone)
        seen = await until_state(it, "tree", state)
        assert seen.restarts == (state == "running")
        if state == "ended":
            with pytest.raises(NoResponder, match="to have it back: mads restart tree"):
                await it.mad(Tree).where()
            await it.call("steward.restart", mad="tree")
        assert await it.mad(Tree).where() != pid


@pytest.mark.slow
async def test_a_mad_in_quarantine_says_why_and_is_released_by_name(tmp_path: Path) -> None:
    rules = Supervision(intensity=0, period="1 min")
    async with placed(tmp_path, "process", path=(ROOT,), supervision=rules, tree=TREE, gardener=GARDENER) as it:
        with pytest.raises(Lost):
            await it.call("tree.break_", how="end")
        seen = await until_state(it, "tree", "quarantined")
        assert seen.health == "red"
        assert "status 7); that was once within 60 s; to have it back" in seen.why
        with pytest.raises(NoResponder, match="mads restart tree") as caught:
            await it.mad(Tree).where()
        assert caught.value.retry_after is None
        assert (await status(it, "gardener")).state == "running"
        await it.call("steward.restart", mad="tree")
        assert await it.mad(Tree).all() == []
        assert (await status(it, "tree")).health == "green"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "others"), [("one_for_all", {"tree", "gardener"}), ("rest_for_one", {"gardener"})]
)
async def test_a_strategy_ends_others_as_well(tmp_path: Path, strategy: str, others: set[str]) -> None:
    rules = Supervision(strategy=strategy)  # type: ignore[arg-type]
    async with placed(tmp_path, "process", path=(ROOT,), supervision=rules, tree=TREE, gardener=GARDENER) as it:
        killed = "gardener" if strategy == "one_for_all" else "tree"
        before = {seen.mad: seen.pid for seen in await it.system.status()}
        os.kill(before[killed], signal.SIGKILL)

        async def again() -> bool:
            now = {seen.mad: seen for seen in await it.system.status()}
            return all(now[mad].state == "running" and now[mad].pid != before[mad] for mad in others | {killed})

        await until(again)
        after = {seen.mad: seen.pid for seen in await it.system.status()}
        assert after["steward"] == before["steward"]


@pytest.mark.slow
async def test_a_blocked_child_is_red_while_the_others_are_green_and_is_replaced_when_it_hangs(tmp_path: Path) -> None:
    tree = replace(TREE, watchdog="2.5 s")
    async with placed(tmp_path, "process", path=(ROOT,), tree=tree, gardener=GARDENER) as it:
        before = await it.mad(Tree).where()
        held = asyncio.create_task(it.mad(Tree).block(60))

        async def red() -> bool:
            return (await status(it, "tree")).health == "red"

        await until(red, within=2)
        seen = await status(it, "tree")
        assert (seen.state, (await status(it, "gardener")).health) == ("running", "green")
        assert "has not answered" in seen.why
        with pytest.raises(Lost):
            await held
        await until_state(it, "tree", "running")
        assert "its loop did not answer" in (await status(it, "tree")).why
        assert await it.mad(Tree).where() != before


@pytest.mark.slow
async def test_a_stopped_child_is_replaced_and_what_it_held_ends_as_lost(tmp_path: Path) -> None:
    async with placed(tmp_path, "process", path=(ROOT,), tree=replace(TREE, watchdog=1.0)) as it:
        before = await it.mad(Tree).where()
        held = asyncio.create_task(it.mad(Tree).sway(60))
        await until_running(it, "sway", 1)
        os.kill(before, signal.SIGSTOP)
        with pytest.raises(Lost):
            await held
        await until_state(it, "tree", "running")
        assert await it.mad(Tree).where() != before


async def test_who_blocks_the_loop_here_is_red_with_the_line_and_what_to_write(tmp_path: Path) -> None:
    async with placed(tmp_path, "here", path=(ROOT,), tree=TREE, gardener=GARDENER) as it:

        async def red() -> bool:
            await it.mad(Tree).block(0.6)
            return (await status(it, "tree")).health == "red"

        await until(red)
        seen = await status(it, "tree")
        assert (seen.health, (await status(it, "gardener")).health) == ("red", "green")
        assert "troupe.py:" in seen.why
        assert 'write run = "process" at tree' in seen.why


SLOW = """
from __future__ import annotations
import asyncio
from mads import mad, provides, tool

class Model: ...

@provides
async def model() -> Model:
    await asyncio.sleep(60)
    return Model()

@mad
class Slow:
    '''You take long to load.'''
    model: Model

    @tool
    async def ask(self) -> str:
        return "?"
"""


@pytest.mark.slow
async def test_a_child_that_is_not_ready_in_time_is_ended_with_the_line_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "slow_to_load.py").write_text(SLOW)
    slow = MadConfig("slow_to_load:Slow", start="500 ms")
    with pytest.raises(
        ConfigError, match='not ready within 500 ms; where it takes so long, write start = "5 min" at slow'
    ):
        async with placed(tmp_path, "process", slow=slow):
            pass


async def test_timers_tick_on_after_a_new_life_and_are_not_doubled(troupe: Troupe) -> None:
    async with troupe(tree=TREE, gardener=GARDENER) as it:
        for _ in range(2):
            await it.call("steward.restart", mad="gardener")
        start = asyncio.get_running_loop().time()
        before = await it.mad(Gardener).marks()

        async def enough() -> bool:
            return await it.mad(Gardener).marks() >= before + 10

        await until(enough)
        more = await it.mad(Gardener).marks() - before
        assert more <= (asyncio.get_running_loop().time() - start) / 0.05 + 2


async def test_what_a_new_life_does_by_itself_does_not_descend_from_the_call_that_asked_for_it(troupe: Troupe) -> None:
    async with troupe(ticking="tests.host.ticking:Ticking") as it:
        await it.call("steward.restart", mad="ticking")
        async with asyncio.timeout(5):
            while (told := await it.call("ticking.told")) == []:
                await asyncio.sleep(0.02)
        assert {who for who, _ in told} == {"mad:ticking"}
        assert min(left for _, left in told) > 600
