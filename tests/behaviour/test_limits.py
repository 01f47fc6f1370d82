"""A limit holds wherever the MAD is that is asked, and however its calls end.

Covers what callers see of limits, and quotas over a restart, in every placement. Does not cover the kinds of rule (see
tests/guard/test_limits.py), nor a crash: tests/gateway/test_limits.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, cast

import pytest

from mads import CallError, DeadlineExceeded, Limited, Lost
from mads.host.limits import LimitConfig
from mads.testing.placed import Placed
from mads.wire.call import Identity
from tests.behaviour.conftest import Troupe, until_running
from tests.behaviour.troupe import Gardener, Leaf, Tree

COVERS = ("R-045", "R-046")


async def admitted(it: Placed, tool: str, who: str, times: int) -> int:
    """Return how many of so many calls are admitted."""
    count = 0
    for _ in range(times):
        with suppress(Limited):
            await it.call(tool, principal=who)
            count += 1
    return count


async def test_the_sixth_call_is_refused_with_rule_and_time_and_another_caller_is_not(troupe: Troupe) -> None:
    rule = LimitConfig(tool="mads.tree.*", each=("principal", "tool"), rate="5/h")
    async with troupe("tree", "gardener", limits=(rule,)) as it:
        for _ in range(5):
            await it.call("tree.where", principal="ana")
        with pytest.raises(Limited, match=r"mads\.tree\.where may not be called yet") as caught:
            await it.call("tree.where", principal="ana")
        assert caught.value.rule == "each principal and tool of tool mads.tree.*: rate 5/h"
        assert caught.value.retry_after is not None
        assert 700 < caught.value.retry_after <= 720
        assert await admitted(it, "tree.where", "bo", 6) == 5
        assert await it.call("tree.principal", principal="ana") == "ana"
        assert await admitted(it, "gardener.principal_below", "ana", 1) == 1


async def test_a_limit_refused_below_is_the_cause_of_what_fails_above(troupe: Troupe) -> None:
    rule = LimitConfig(tool="mads.tree.principal", each="principal", rate="1/h")
    async with troupe("tree", "gardener", limits=(rule,)) as it:
        gardener = it.mad(Gardener, principal="ana")
        assert await gardener.principal_below() == "ana"
        with pytest.raises(CallError) as caught:
            await gardener.principal_below()
        assert isinstance(caught.value.__cause__, Limited)
        assert caught.value.__cause__.rule == "each principal of tool mads.tree.principal: rate 1/h"


async def test_a_place_is_free_again_however_a_call_ended(troupe: Troupe) -> None:
    rule = LimitConfig(mad="tree", each="principal", at_once=2)
    async with troupe("tree", limits=(rule,)) as it:
        tree = it.mad(Tree, principal="ana")
        swaying = [asyncio.create_task(tree.sway(60)) for _ in range(2)]
        await until_running(it, "sway", 2)
        with pytest.raises(Limited, match="each principal of mad tree: at_once 2"):
            await tree.where()
        await it.call("tree.where", principal="bo")
        swaying[0].cancel()
        await until_running(it, "sway", 1)
        with pytest.raises(CallError, match="a branch broke"):
            await tree.break_("raise")
        with pytest.raises(DeadlineExceeded):
            await it.call("tree.sway", seconds=60, principal="ana", within=0.05)
        await until_running(it, "sway", 1)
        counting = cast("AsyncGenerator[int]", tree.count(1000))
        await anext(counting)
        await counting.aclose()
        await until_running(it, "count", 0)
        await tree.where()
        swaying[1].cancel()
        await asyncio.gather(*swaying, return_exceptions=True)
        await until_running(it, "sway", 0)
        assert [limit.uses for limit in await it.system.limits()] == [()]


@pytest.mark.parametrize("placement", [pytest.param("process", marks=pytest.mark.slow)])
async def test_a_place_is_free_again_when_the_child_was_killed(troupe: Troupe) -> None:
    rule = LimitConfig(mad="tree", each="principal", at_once=1)
    async with troupe("tree", limits=(rule,)) as it:
        with pytest.raises(Lost):
            await it.mad(Tree, principal="ana").break_("die")
        assert [limit.uses for limit in await it.system.limits()] == [()]


async def test_what_is_too_large_is_refused_before_it_is_handled(troupe: Troupe) -> None:
    async with troupe("tree", limits=(LimitConfig(mad="tree", size="1 kB", reply="1 kB"),)) as it:
        tree = it.mad(Tree)
        with pytest.raises(Limited, match=r"its arguments take \d+ bytes; mad tree: size 1000") as caught:
            await tree.grow(Leaf("x" * 1000))
        assert caught.value.retry_after is None
        assert await tree.all() == []
        assert await tree.grow(Leaf("x" * 900)) == 1
        assert await tree.grow(Leaf("y" * 900)) == 2
        with pytest.raises(Limited, match="its answer takes"):
            await tree.all()
        counted: list[int] = []
        with pytest.raises(Limited, match="its answer takes 100"):
            counted.extend([number async for number in tree.count(5000)])
        assert await tree.left() > 0


async def test_a_quota_goes_on_after_a_restart_and_can_be_seen(troupe: Troupe) -> None:
    rule = LimitConfig(tool="mads.tree.*", each="tenant", quota="1000/month")
    for so_far in (0, 600):
        async with troupe("tree", limits=(rule,)) as it:
            assert [use.used for use in (await it.system.limits())[0].uses] == ([so_far] if so_far else [])
            assert await admitted(it, "tree.where", "ana", 200) == 200
            assert await admitted(it, "tree.where", "bo", 400) == min(400, 800 - so_far)
    async with troupe("tree", limits=(rule,)) as it:
        with pytest.raises(Limited) as caught:
            await it.call("tree.where", principal="ana")
        assert caught.value.rule == "each tenant of tool mads.tree.*: quota 1000/month"
        assert caught.value.retry_after is not None
        other = Identity("ana", "other", roles=("admin",))
        assert isinstance(await it.call("tree.where", principal=other), int)
        theirs: list[dict[str, Any]] = await it.call("steward.limits", principal=other)
        assert [(use["tenant"], use["used"]) for use in theirs[0]["uses"]] == [("other", 1)]
        everybodys: list[dict[str, Any]] = await it.call("steward.limits", principal="operator")
        assert [(use["tenant"], use["used"]) for use in everybodys[0]["uses"]] == [("default", 1000), ("other", 1)]
