"""The rule of restarts does what a plain reading of it says, whatever ends when.

Covers restart types, strategies, intensity within a period, pauses. Does not cover carrying it out: see
tests/behaviour/test_supervision.py.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mads.host.config import MadConfig
from mads.host.lifecycle import Supervision
from mads.host.supervise.restarts import FIRST, LONGEST, RestartRule, Verdict

COVERS = ("R-111",)

MADS = ("a", "b", "c", "d")
STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")
KINDS = ("permanent", "transient", "temporary")


class Model:
    """The rule as one would explain it: every end is remembered, and each question goes through all of them."""

    def __init__(self, strategy: str, intensity: int, period: float, kinds: dict[str, str]) -> None:
        self.strategy, self.intensity, self.period, self.kinds = strategy, intensity, period, kinds
        self.restarted: list[tuple[str, float]] = []

    def ended(self, mad: str, now: float, *, clean: bool) -> tuple[str, set[str], list[str]]:
        """Return what to do, whom to stop, whom to start."""
        if self.kinds[mad] == "temporary":
            return "leave", set(), []
        if self.kinds[mad] == "transient" and clean:
            return "leave", set(), []
        self.restarted.append((mad, now))
        if self.recent(mad, now) > self.intensity:
            self.restarted = [(other, when) for other, when in self.restarted if other != mad]
            return "give up", set(), []
        reach = {"one_for_one": [mad], "one_for_all": [*MADS], "rest_for_one": [it for it in MADS if it >= mad]}
        concerned = reach[self.strategy]
        return "restart", {*concerned} - {mad}, [it for it in concerned if it == mad or self.kinds[it] != "temporary"]

    def recent(self, mad: str, now: float) -> int:
        """Return how often `mad` was restarted within the period."""
        return sum(1 for other, when in self.restarted if other == mad and now - when < self.period)


ends = st.lists(st.tuples(st.sampled_from(MADS), st.floats(0, 4, allow_nan=False), st.booleans()), max_size=40)


@given(
    strategy=st.sampled_from(STRATEGIES),
    intensity=st.integers(0, 4),
    period=st.floats(0.5, 10),
    kinds=st.fixed_dictionaries({mad: st.sampled_from(KINDS) for mad in MADS}),
    story=ends,
)
def test_the_rule_follows_a_plain_model(
    strategy: Any, intensity: int, period: float, kinds: dict[str, Any], story: list[tuple[str, float, bool]]
) -> None:
    configs = {mad: MadConfig("m:M", restart=kind) for mad, kind in kinds.items()}
    rules = Supervision(strategy=strategy, intensity=intensity, period=period)
    rule, model, now = RestartRule(rules, configs, MADS), Model(strategy, intensity, period, kinds), 0.0
    for mad, later, clean in story:
        now += later
        said = rule.ended(mad, now, clean=clean)
        kind, stop, start = model.ended(mad, now, clean=clean)
        assert (said.kind, {*said.stop}, [*said.start]) == (kind, stop, start)


@given(intensity=st.integers(1, 50), chance=st.floats(0, 1))
def test_pauses_grow_within_the_period_up_to_the_longest(intensity: int, chance: float) -> None:
    rules = Supervision(intensity=intensity, period=3600)
    rule = RestartRule(rules, {"a": MadConfig("m:M")}, ("a",), lambda: chance)
    pauses = [rule.ended("a", 0.0, clean=False).pause for _ in range(intensity)]
    assert pauses == sorted(pauses)
    assert all(0.79 * FIRST < pause < 1.21 * LONGEST for pause in pauses)


def test_what_is_forgotten_is_not_counted() -> None:
    rule = RestartRule(Supervision(intensity=1), {"a": MadConfig("m:M")}, ("a",))
    assert rule.ended("a", 0.0, clean=False).kind == "restart"
    rule.forget("a")
    assert rule.ended("a", 0.1, clean=False).kind == "restart"
    assert rule.ended("a", 0.2, clean=False) == Verdict("give up")
