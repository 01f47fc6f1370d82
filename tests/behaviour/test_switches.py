"""What is stopped is refused at once and for everybody, wherever it runs, until it is resumed.

Covers what callers, listeners and the operator see of switches, in every placement. Does not cover spending: that is in
tests/behaviour/test_budget.py.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from mads import Denied, InvalidMessage, Stopped
from mads.gateway.offer import Offer
from mads.gateway.view import View
from mads.testing.placed import Placed, placed
from mads.wire.status import AuditQuery, Status
from tests.behaviour.conftest import ROOT, Troupe, serial, until_running
from tests.behaviour.troupe import Gardener, Leaf, Tree

COVERS = ("R-114",)


async def stop(it: Placed, what: str, why: str = "it loses leaves") -> None:
    await it.call("steward.stop", principal="operator", what=what, why=why)


async def resume(it: Placed, what: str) -> None:
    await it.call("steward.resume", principal="operator", what=what)


async def fares(it: Placed, mad: str) -> Status:
    return next(status for status in await it.system.status() if status.mad == mad)


async def test_a_mad_that_is_stopped_answers_nobody_and_says_who_did_it_and_why(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        await stop(it, "tree")
        with pytest.raises(Stopped, match=r"mads\.tree\.all is not answered: tree is stopped by operator") as caught:
            await it.mad(Tree).all()
        assert caught.value.rule.startswith("stopped by operator since 2")
        assert caught.value.rule.endswith(": it loses leaves")
        assert caught.value.where == "tree"
        with pytest.raises(Exception, match="it loses leaves"):
            await it.mad(Gardener).principal_below()
        assert await it.mad(Gardener).raked() == []
        await resume(it, "tree")
        assert await it.mad(Tree).all() == []


async def test_of_a_mad_one_tool_alone_may_be_stopped(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        await stop(it, "tree.grow")
        with pytest.raises(Stopped, match=r"tree\.grow is stopped"):
            await it.mad(Tree).grow(Leaf("oak"))
        assert await it.mad(Tree).all() == []


async def test_a_stream_of_a_mad_that_is_stopped_is_refused_too(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        await stop(it, "tree")
        with pytest.raises(Stopped):
            await anext(aiter(it.mad(Tree).count(3)))


@pytest.mark.slow
async def test_what_waits_is_told_within_a_second_while_what_runs_comes_to_its_end(troupe: Troupe) -> None:
    async with troupe(tree=serial("tree")) as it:
        swaying = asyncio.create_task(it.mad(Tree).sway(1.5))
        await until_running(it, "sway", 1)
        waiting = [asyncio.create_task(it.mad(Tree).where()) for _ in range(5)]
        await asyncio.sleep(0)
        await stop(it, "tree")
        stopped = time.monotonic()
        late = asyncio.create_task(it.mad(Tree).where())
        told = await asyncio.gather(*waiting, late, return_exceptions=True)
        assert time.monotonic() - stopped < 1
        assert {type(each) for each in told} == {Stopped}
        assert await swaying == "still"


async def test_events_and_timers_of_a_mad_that_is_stopped_rest(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        await stop(it, "gardener")
        await it.mad(Tree).drop(Leaf("oak"))
        async with asyncio.timeout(5):
            while (await fares(it, "gardener")).waiting:
                await asyncio.sleep(0.01)
        await resume(it, "gardener")
        assert await it.mad(Gardener).raked() == []


@pytest.mark.slow
async def test_a_restart_changes_nothing_and_ps_and_show_say_so(tmp_path: Path, placement: str) -> None:
    mads: Any = {"path": (ROOT,), "tree": "tests.behaviour.troupe:Tree"}
    async with placed(tmp_path, placement, **mads) as it:
        await stop(it, "tree.grow", "the saw is dull")
    async with placed(tmp_path, placement, **mads) as it:
        with pytest.raises(Stopped, match="the saw is dull"):
            await it.mad(Tree).grow(Leaf("oak"))
        seen = await fares(it, "tree")
        assert (seen.health, seen.state, [each.what for each in seen.stops]) == ("yellow", "running", ["tree.grow"])
        assert "tree.grow is stopped by operator" in seen.why
        assert [each.why for each in it.system.shown("tree").stops] == ["the saw is dull"]
        marked = {tool.tool: tool.stopped for tool in it.system.tools() if tool.mad == "tree" and tool.stopped}
        assert list(marked) == ["grow"]
        await it.call("steward.restart", principal="operator", mad="tree")
        with pytest.raises(Stopped):
            await it.mad(Tree).grow(Leaf("oak"))
        rows = await it.system.audited(AuditQuery(principal="operator"))
        assert [(row.subject, row.rule) for row in rows if row.kind == "switch"] == [
            ("tree.grow", "stopped: the saw is dull")
        ]


@pytest.mark.parametrize("placement", ["here"])
async def test_nobody_stops_what_resumes_nor_what_is_not_there_nor_without_a_reason(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        for what, why, told in (
            ("steward", "tired", "cannot be stopped"),
            ("steward.resume", "tired", "cannot be stopped"),
            ("treee", "tired", "did you mean tree"),
            ("tree.gro", "tired", "did you mean tree.grow"),
            ("tree", " ", "write why"),
            ("Tree!", "tired", "what"),
        ):
            with pytest.raises(InvalidMessage, match=told):
                await stop(it, what, why)
        with pytest.raises(InvalidMessage, match="tree is not stopped; nothing is"):
            await resume(it, "tree")
        with pytest.raises(Denied):
            await it.call("steward.stop", principal="ana", what="tree", why="tired")
        assert it.system.switches.stopped() == []


@pytest.mark.parametrize("placement", ["here"])
async def test_what_mcp_clients_are_told_of_a_tool_is_that_it_is_off(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        await stop(it, "tree.grow")
        grow = next(tool for tool in it.system.tools() if tool.name == "mads.tree.grow")
        assert Offer(grow, View()).listing()["description"].startswith("(Not to be called: it is stopped by operator")
