"""Flags are read and answered as flagd does, whose own evaluator stands beside ours in the same test.

Covers files, rules and parts. Does not cover how they reach MADs: see tests/behaviour/test_flags.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext  # pyright: ignore[reportMissingTypeStubs]  typed, but it does not say so
from openfeature.exception import OpenFeatureError

from mads.guard.flags.reading import read
from mads.guard.flags.snapshot import Evaluation, fits
from mads.wire.errors import ConfigError

COVERS = ("R-132",)

VARIANTS = {"red": "r", "green": "g", "blue": "b"}
WHO = st.dictionaries(
    st.sampled_from(["tenant", "plan", "age", "version", "tags"]),
    st.one_of(
        st.sampled_from(["acme", "globex", "pro", "1.2.3", "2.0.0-rc.1", "v1.10", "17", ""]),
        st.integers(-3, 40),
        st.booleans(),
        st.lists(st.sampled_from(["a", "b", "acme"]), max_size=3),
    ),
)


def flagged(targeting: Any, **flag: Any) -> dict[str, Any]:
    """Return a file with one flag under that rule."""
    it = {"state": "ENABLED", "variants": VARIANTS, "defaultVariant": "red", "targeting": targeting, **flag}
    return {"flags": {"hue": it}}


def theirs(file: dict[str, Any], who: str | None, about: dict[str, Any]) -> tuple[Any, str]:
    """Return what flagd's own evaluator says."""
    core = FlagdCore()
    core.set_flags(json.dumps(file))
    try:
        found = core.resolve_string_value("hue", "none", EvaluationContext(who, about))
    except OpenFeatureError:
        return "none", "ERROR"
    return found.value, str(found.reason)


def ours(file: dict[str, Any], who: str | None, about: dict[str, Any]) -> Evaluation:
    """Return what we say."""
    return read(json.dumps(file).encode(), "flags.json").evaluate("hue", {**about, "targetingKey": who})


def agree(rule: Any, who: str | None, about: dict[str, Any], **flag: Any) -> None:
    """Assert that both say the same."""
    file = flagged(rule, **flag)
    found = ours(file, who, about)
    value = "none" if found.variant is None else found.value
    assert (value, found.reason) == theirs(file, who, about), (rule, who, about)


@given(st.text(max_size=40), st.lists(st.integers(0, 1000), min_size=3, max_size=3))
def test_parts_are_divided_as_flagd_divides_them(who: str, weights: list[int]) -> None:
    parts = [list(part) for part in zip(VARIANTS, weights, strict=True)]
    agree({"fractional": parts}, who, {})
    agree({"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "mail"}]}, *parts]}, None, {"mail": who})


@given(st.one_of(st.integers(-(2**63), 2**64 - 1), st.booleans(), st.integers(-5, 5).map(float)))
def test_parts_may_be_divided_by_a_number_or_a_truth_value(key: float) -> None:
    agree({"fractional": [{"var": "key"}, ["red", 1], ["green", 2], ["blue"]]}, None, {"key": key})


TENANT, PLAN, AGE = {"var": "tenant"}, {"var": ["plan", "free"]}, {"var": ["age", 0]}


def asked(operations: list[str], one: Any, others: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return conditions that compare `one` with one of `others` by one of `operations`."""

    def condition(operation: str, other: Any) -> dict[str, Any]:
        return {operation: [one, other]}

    return st.builds(condition, st.sampled_from(operations), st.sampled_from(others))


def versions(order: str, version: str) -> dict[str, Any]:
    """Return a condition on a version."""
    return {"sem_ver": [{"var": "version"}, order, version]}


def joined(operation: str, parts: list[Any]) -> dict[str, Any]:
    """Return a condition of several."""
    return {operation: parts}


SINGLE: list[Any] = [
    {"some": [{"var": ["tags", []]}, {"==": [{"var": ""}, "acme"]}]},
    {"!": [{"var": "plan"}]},
    {"!!": [{"var": "tenant"}]},
    {"!": [{"missing_some": [1, ["tenant", "plan"]]}]},
    {"in": ["acme", {"merge": [{"var": ["tags", []]}, {"var": "tenant"}]}]},
    {"==": [{"log": {"var": "tenant"}}, "acme"]},
    {
        ">": [
            {"reduce": [{"var": ["tags", []]}, {"+": [{"var": "accumulator"}, {"in": ["a", {"var": "current"}]}]}, 0]},
            1,
        ]
    },
]
SIMPLE: st.SearchStrategy[Any] = st.one_of(
    asked(["==", "===", "!=", "!=="], TENANT, ["acme"]),
    asked(["in"], TENANT, [["acme", "globex"], ["17"]]),
    asked(["starts_with", "ends_with"], TENANT, ["ac"]),
    asked(["<", "<=", ">", ">="], {"+": [AGE, 1]}, [0, 7, 20]),
    asked(["=="], {"%": [AGE, 7]}, [*range(7)]),
    st.builds(
        versions,
        st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "^", "~"]),
        st.sampled_from(["1.2.3", "1.10", "v2", "2.0.0-rc.1"]),
    ),
    st.sampled_from(SINGLE),
    asked(["=="], {"cat": [TENANT, "-", PLAN]}, ["acme-pro"]),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.builds(joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=5,
)
SOMEBODY = st.fixed_dictionaries(
    {},
    optional={
        "tenant": st.sampled_from(["acme", "globex", "ac", "17"]),
        "plan": st.sampled_from(["pro", "free", ""]),
        "age": st.integers(0, 30),
        "version": st.sampled_from(["1.2.3", "2.0.0-rc.1", "v1.10", "2.0.0"]),
        "tags": st.lists(st.sampled_from(["a", "acme"]), max_size=3),
    },
)


@given(CONDITIONS, SOMEBODY)
def test_rules_come_out_as_they_do_in_flagd(rule: Any, about: dict[str, Any]) -> None:
    agree({"if": [rule, "green", "blue"]}, "ana", about)
    agree({"if": [rule, "green"]}, "ana", about)


@pytest.mark.parametrize(
    ("rule", "flag"),
    [
        (None, {}),
        ({}, {"defaultVariant": None}),
        ({"if": [True, "green"]}, {"state": "DISABLED"}),
        ({"if": [True, "mauve"]}, {}),
        ({"var": "nothing"}, {"defaultVariant": None}),
        ({"==": [1, 1]}, {"variants": {"true": "t", "false": "f"}, "defaultVariant": "false"}),
    ],
)
def test_states_and_defaults_are_those_of_flagd(rule: Any, flag: dict[str, Any]) -> None:
    agree(rule, "ana", {}, **flag)


def test_a_rule_may_be_shared_under_a_name() -> None:
    file = flagged({"if": [{"$ref": "ours"}, "green"]})
    file["$evaluators"] = {"ours": {"in": [{"var": "tenant"}, ["acme"]]}}
    assert ours(file, "ana", {"tenant": "acme"}) == Evaluation("TARGETING_MATCH", "green", "g")
    assert ours(file, "ana", {}).variant == "red"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "has no flags"),
        ({"flags": {"a": 1}}, "flag 'a': expected a table"),
        ({"flags": {"a": {"state": "ON", "variants": {"on": True}}}}, "'ENABLED' or 'DISABLED', not 'ON'"),
        ({"flags": {"a": {"state": "ENABLED", "variants": {}}}}, "table of values by name"),
        ({"flags": {"a": {"state": "ENABLED", "variants": {"on": True, "off": "no"}}}}, "of one type"),
        (flagged(None, defaultVariant="mauve"), "none of its variants: red, green, blue"),
        (flagged(None, color=1), "there is no 'color'; it may have state"),
        (flagged({"iff": []}), "no operation 'iff'; there are"),
        (flagged({"if": [], "or": []}), "one operation"),
        (flagged({"$ref": "x"}), "no 'x' in [$]evaluators"),
        (flagged({"fractional": [["red", 1, 2]]}), "is no part"),
        (flagged({"some": [1]}), "take a list and a rule"),
        (flagged({"reduce": [1]}), "reduce takes a list"),
        (flagged({"missing_some": [1]}), "missing_some takes a number and names"),
        ({**flagged({"$ref": "x"}), "$evaluators": {"x": {"$ref": "x"}}}, "refers to itself"),
        (flagged("green"), "targeting is a rule"),
        ({**flagged(None), "$evaluators": 3}, "table of rules by name"),
        ("[" * 5000, "is no JSON|too deep"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_to_write(file: Any, said: str) -> None:
    text = file if isinstance(file, str) else json.dumps(file)
    with pytest.raises(ConfigError, match=said):
        read(text.encode(), "flags.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "var",
                        "if",
                        "in",
                        "==",
                        "<",
                        "+",
                        "cat",
                        "substr",
                        "fractional",
                        "some",
                        "sem_ver",
                        "!",
                        "and",
                        "%",
                        "/",
                        "missing",
                        "missing_some",
                        "map",
                        "merge",
                        "reduce",
                    ]
                ),
                inner,
                max_size=1,
            )
        ),
        max_leaves=8,
    ),
    WHO,
)
def test_no_rule_breaks_whoever_asks(rule: Any, about: dict[str, Any]) -> None:
    try:
        snapshot = read(json.dumps(flagged({"if": [rule, "green"]})).encode(), "flags.json")
    except ConfigError:
        return
    assert snapshot.evaluate("hue", {**about, "targetingKey": "ana"}).reason in ("TARGETING_MATCH", "DEFAULT", "ERROR")


@pytest.mark.parametrize(
    ("value", "default", "is_fit"),
    [
        (True, False, True),
        (1, False, False),
        (True, 1, False),
        (1, 1.5, True),
        ("a", "b", True),
        ({}, [], True),
        (True, 1.0, False),
    ],
)
def test_a_flag_stands_only_where_code_has_a_value_of_its_type(value: Any, default: Any, *, is_fit: bool) -> None:
    assert fits(value, default) is is_fit
