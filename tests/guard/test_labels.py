"""Labels go where a plain model of who was told what says they go, whatever order calls come in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.bus.memory import MemoryBus
from mads.guard.access import access
from mads.guard.labels import Labels, named, union, untrusted
from mads.guard.rights.policy import TAINTED, Policy
from mads.guard.rights.rule import Rule, Target
from mads.host.caller import Caller
from mads.observe.trace import Trace
from mads.wire.call import Call, Identity, Reply, current
from mads.wire.record import Decision
from mads.wire.served import Served

COVERS = ("R-080", "R-109")

WIPE = Target("mads.tree.wipe", destructive=True)
TOLD = Identity("ana", roles=("admin",), labels=("untrusted:marco",))
MADS = ("a", "b", "c", "d")

Plan = list[tuple[str, "Plan"]]
"""Whom a handler calls, one after the other, and what those do in their turn."""

plans: st.SearchStrategy[Any] = st.recursive(
    st.just([]),
    lambda inner: st.lists(st.tuples(st.sampled_from((*MADS, "web")), inner), max_size=4),
    max_leaves=12,
)


class Unheard:
    """An audit that nobody reads."""

    async def decided(self, call: Call, decision: Decision) -> None:
        """Forget it."""


class Model:
    """What a plain function says of a plan: the labels with which each call came, and with which it was answered."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool, bool]] = []

    def call(self, mad: str, plan: Plan, *, came: bool) -> bool:
        """Return whether the answer is tainted, where the call `came` tainted or not."""
        at = len(self.told)
        self.told.append((mad, came, came))
        tainted = came or mad == "web"
        for callee, inner in plan if mad != "web" else ():
            tainted = self.call(callee, inner, came=tainted) or tainted
        self.told[at] = (mad, came, tainted)
        return tainted


async def told(plan: Plan) -> list[tuple[str, bool, bool]]:
    """Return the same of a real bus, with the layers round each handler."""
    bus, labels, seen = MemoryBus(), Labels(), list[tuple[str, bool, bool]]()
    policy = Policy(labels)
    policy.declare({mad: ["mads.>"] for mad in MADS})
    plans = iter([plan])

    def serve(mad: str) -> Coroutine[Any, Any, Any]:
        caller = Caller(Identity(f"mad:{mad}", chain=(mad,)), labels)

        async def handle(call: Call) -> Reply:
            assert current.get() is call
            at, todo = len(seen), next(plans) if mad == "a" and not seen else queue.pop()
            seen.append((mad, bool(call.identity.labels), False))
            for callee, inner in todo if mad != "web" else ():
                queue.append(inner)
                await bus.request(caller.call(f"mads.{callee}.go", None))
            seen[at] = (*seen[at][:2], bool(labels.of(call)) or mad == "web")
            return Reply()

        served = Served(mad, "go", untrusted=mad == "web")
        round_ = access(policy, Unheard(), labels)(served)(Trace().layer(served)(handle))
        return bus.subscribe((f"mads.{mad}.go",), round_, group=mad, at_once=32)

    queue: list[Plan] = []
    for mad in (*MADS, "web"):
        await serve(mad)
    reply = await bus.request(Caller(Identity("ana", roles=("admin",))).call("mads.a.go", None))
    assert bool(reply.labels) == seen[0][2]
    await bus.drain(1)
    return seen


@given(plans)
@settings(max_examples=40)
def test_labels_go_where_a_plain_model_says(plan: Plan) -> None:
    model = Model()
    model.call("a", plan, came=False)
    assert asyncio.run(told(plan)) == model.told


def test_what_destroys_is_refused_to_the_told_whoever_they_are() -> None:
    policy = Policy()
    policy.declare({"a": ["mads.>"]})
    for identity in (TOLD, Identity("operator", chain=("a",), labels=TOLD.labels)):
        assert policy.decides(identity, WIPE, dict).rule == TAINTED
        assert policy.decides(replace(identity, labels=()), WIPE, dict).allowed
    assert Policy().decides(TOLD, Target("mads.tree.grow"), dict).allowed
    accepting = Policy(Labels(accepts={"tree": ("wipe",)}))
    assert accepting.decides(TOLD, WIPE, dict).allowed
    assert not accepting.decides(TOLD, Target("mads.tree.fell", destructive=True), dict).allowed


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ('"untrusted" in labels', True),
        ('"untrusted:marco" in labels', True),
        ('"untrusted:rumour" in labels', False),
        ('tenant == "default"', False),
    ],
)
def test_a_rule_accepts_what_is_untrusted_only_where_it_asks_of_labels(when: str, *, allowed: bool) -> None:
    policy = Policy()
    policy.put([Rule("ana", "mads.tree.wipe:destructive", when=when)], {}, 1)
    facts = {**policy.facts(TOLD, WIPE), "labels": named(TOLD.labels)}
    assert policy.decides(TOLD, WIPE, lambda: facts).allowed is allowed


def test_what_was_told_is_forgotten_in_the_order_in_which_it_was() -> None:
    labels = Labels(most=2)
    for call in ("0", "1", "0", "2"):
        labels.pick(call, ("untrusted:web",))
    assert list(labels.picked) == ["0", "2"]
    assert labels.on(Identity("ana"), "2").labels == ("untrusted:web",)


def test_labels_have_one_order_and_say_who_brought_them_in() -> None:
    both = union(("untrusted:web",), ("untrusted:marco", "untrusted:web"))
    assert both == ("untrusted:marco", "untrusted:web")
    assert untrusted((*both, "other")) == ["marco", "web"]
    assert named(both) == ["untrusted", "untrusted:marco", "untrusted:web"]
