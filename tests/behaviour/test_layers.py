"""Every layer earns its place: without it, a behaviour that a user relies on is gone.

Covers the list of layers round every handler. Does not cover what is checked before a call enters the bus.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from mads import Broken, CallError, Denied, Limited, Stopped
from mads.host.breakers import BreakerConfig
from mads.host.canaries import CanaryConfig
from mads.host.fallbacks import FallbackConfig
from mads.host.layers import LAYERS
from mads.host.limits import LimitConfig
from mads.testing.placed import Placed
from tests.behaviour.conftest import ROOT, Troupe
from tests.behaviour.troupe import Gardener, Leaf, Tree

COVERS = ("R-101",)

RULES: dict[str, Any] = {
    "limits": (LimitConfig(principal="greedy", each="principal", rate="3/h"),),
    "breakers": (BreakerConfig(tool="mads.tree.break_", least=3),),
    "canaries": (CanaryConfig(mad="gardener", use="second", tools=("principal_below",), share=0.001),),
    "core": {"second": "tests.behaviour.versions:Second"},
    "flags": f"{ROOT}/tests/behaviour/off.json",
    "fallbacks": (FallbackConfig(tool="mads.tree.noted", value="nothing"),),
}


async def calls_are_counted(it: Placed) -> None:
    await it.mad(Tree).all()
    status = next(status for status in await it.system.status() if status.mad == "tree")
    assert [tool.calls for tool in status.tools if tool.name == "all"] == [1]


async def a_child_call_descends_from_its_parent(it: Placed) -> None:
    assert await it.mad(Gardener, principal="ana").principal_below() == "ana"


async def the_anonymous_destroy_nothing(it: Placed) -> None:
    await it.mad(Tree).grow(Leaf("oak"))
    with pytest.raises(Denied):
        await it.call("tree.fell", principal="anonymous")


async def somebody_stands_in(it: Placed) -> None:
    await it.call("steward.stop", principal="operator", what="tree.noted", why="nothing to see")
    assert await it.call("tree.noted") == "nothing"


async def what_fails_is_left_alone(it: Placed) -> None:
    for _ in range(3):
        with suppress(CallError):
            await it.call("tree.break_", how="raise")
    with pytest.raises(Broken):
        await it.call("tree.break_", how="raise")


async def what_is_stopped_is_refused(it: Placed) -> None:
    await it.call("steward.stop", principal="operator", what="tree.whereabouts", why="nothing to see")
    with pytest.raises(Stopped):
        await it.call("tree.whereabouts")


async def what_its_flag_turns_off_is_refused(it: Placed) -> None:
    with pytest.raises(Stopped, match="the flag"):
        await it.call("tree.left")


async def who_has_the_second_version_is_answered_by_it(it: Placed) -> None:
    await it.call("steward.canary_turn", principal="operator", mad="gardener", verb="promote", why="it is better")
    assert await it.call("gardener.principal_below") == "second"


async def nobody_asks_more_than_a_rule_says(it: Placed) -> None:
    for _ in range(3):
        await it.call("tree.where", principal="greedy")
    with pytest.raises(Limited):
        await it.call("tree.where", principal="greedy")


BEHAVIOURS: dict[str, Callable[[Placed], Awaitable[None]]] = {
    "record": calls_are_counted,
    "fallback": somebody_stands_in,
    "switch": what_is_stopped_is_refused,
    "flags": what_its_flag_turns_off_is_refused,
    "access": the_anonymous_destroy_nothing,
    "limits": nobody_asks_more_than_a_rule_says,
    "canary": who_has_the_second_version_is_answered_by_it,
    "breaker": what_fails_is_left_alone,
    "trace": a_child_call_descends_from_its_parent,
}


def test_every_layer_has_a_behaviour_that_needs_it() -> None:
    assert tuple(BEHAVIOURS) == LAYERS


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
async def test_removing_a_layer_turns_its_behaviour_red(troupe: Troupe, layer: str) -> None:
    async with troupe("tree", "gardener", **RULES) as it:
        await BEHAVIOURS[layer](it)
    without = tuple(name for name in LAYERS if name != layer)
    async with troupe("tree", "gardener", layers=without, **RULES) as it:
        with pytest.raises((AssertionError, CallError, pytest.fail.Exception)):
            await BEHAVIOURS[layer](it)


async def test_the_list_of_layers_can_be_seen(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        assert await it.call("steward.layers") == list(LAYERS)
