"""How two versions are compared: the bounds of a share, against a plain model, and how often what is alike is judged.

Covers the arithmetic of canaries and their checks before anything starts. Does not cover what callers see: that is in
tests/behaviour/test_canary.py.
"""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mads.guard.canary.bounds import bounds
from mads.guard.canary.split import Split
from mads.guard.canary.trial import FIRST, Rule, Trial, verdict
from mads.wire.call import Call, Identity

COVERS = ("R-134", "R-135")


def mixture(hits: int, of: int) -> Fraction:
    """Return, times pi, the likelihood of one order of such cases mixed over all shares by Jeffreys' prior, exactly."""
    missed = of - hits
    whole = Fraction(comb(2 * hits, hits) * comb(2 * missed, missed), 4**of)
    return whole / comb(of, hits)


def call(conversation: str) -> Call:
    return Call(
        subject="mads.clerk.sum", body=None, id="1", deadline=0, identity=Identity("a"), conversation=conversation
    )


def dice(seed: int) -> random.Random:
    """Return what falls alike each time."""
    return random.Random(seed)  # noqa: S311  it keeps no secret


def run(rule: Rule, chance: random.Random, old: float, new: float, calls: int) -> str:
    """Return what is judged of versions that fail with these chances, with a look after every call of the second."""
    trial = Trial()
    for _ in range(calls):
        is_new = chance.random() < rule.share
        failed = chance.random() < (new if is_new else old)
        trial.saw(rule, "sum", new=is_new, failed=failed, took=0.001, cost=0)
        if is_new and (judged := verdict(trial.compared(rule), rule.least)[0]) != "open":
            return judged
    return "open"


@settings(max_examples=25)
@given(of=st.integers(1, 60), data=st.data(), risk=st.sampled_from((0.5, 0.05, 0.001)))
def test_a_share_is_out_where_the_plain_model_says_so(of: int, data: st.DataObject, risk: float) -> None:
    hits = data.draw(st.integers(0, of))
    low, high = bounds(hits, of, risk)
    assert 0 <= low <= hits / of <= high <= 1
    for share in (low, high):
        if 0 < share < 1:
            likely = float(mixture(hits, of)) / (share**hits * (1 - share) ** (of - hits))
            assert likely == pytest.approx(1 / risk, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.03, 0.5])
def test_in_no_more_runs_than_the_risk_says_is_the_share_ever_out_of_bounds(share: float) -> None:
    chance, risk, left = dice(7), 0.1, 0
    for _ in range(100):
        hits = 0
        for of in range(1, 101):
            hits += chance.random() < share
            low, high = bounds(hits, of, risk)
            if not low <= share <= high:
                left += 1
                break
    assert left <= 100 * risk


@pytest.mark.slow
def test_what_is_alike_is_rolled_back_no_more_often_than_the_risk_says() -> None:
    chance, rule = dice(11), Rule(share=0.5, risk=0.1, errors=0.001, least=5)
    judged = [run(rule, chance, 0.2, 0.2, 200) for _ in range(100)]
    assert judged.count("worse") <= 100 * rule.risk


def test_what_is_worse_is_found_soon_and_what_is_not_is_promoted() -> None:
    chance, rule = dice(3), Rule(share=0.5, errors=0.1)
    assert run(rule, chance, 0.0, 0.9, 60) == "worse"
    assert run(rule, chance, 0.0, 0.0, 400) == "no worse"


def test_less_than_the_least_calls_say_nothing() -> None:
    rule, trial = Rule(least=30), Trial()
    for _ in range(29):
        trial.saw(rule, "sum", new=True, failed=True, took=0, cost=0)
        trial.saw(rule, "sum", new=False, failed=False, took=0, cost=0)
    assert verdict(trial.compared(rule), rule.least)[0] == "open"


def test_what_is_usual_is_settled_by_the_first_calls_of_the_first_version() -> None:
    rule, trial = Rule(), Trial()
    for _ in range(FIRST):
        trial.saw(rule, "sum", new=True, failed=False, took=9, cost=9)
        trial.saw(rule, "sum", new=False, failed=False, took=1, cost=10)
    assert (trial.new.slow.of, trial.old.slow.of) == (0, 0)
    trial.saw(rule, "sum", new=True, failed=False, took=1.4, cost=16)
    trial.saw(rule, "sum", new=False, failed=False, took=1.6, cost=14)
    assert (trial.new.slow.hits, trial.new.dear.hits) == (0, 1)
    assert (trial.old.slow.hits, trial.old.dear.hits) == (1, 0)


@settings(max_examples=25)
@given(shares=st.tuples(st.integers(1, 90), st.integers(1, 90)), name=st.text("abc", max_size=8))
def test_who_has_the_second_version_at_a_small_share_has_it_at_a_larger_one(shares: tuple[int, int], name: str) -> None:
    small, large = (Split("clerk", "next", ("sum",), Rule(share=share / 100)) for share in sorted(shares))
    assert small.takes(call(name)) <= large.takes(call(name))
    assert small.takes(call(name)) == small.takes(call(name))
