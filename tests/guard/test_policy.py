"""The compiled table decides as the rules read one by one would: for any rules, callers and tools.

Covers the decision itself. Does not cover where it is asked: tests/behaviour/test_rights.py and tests/gateway do.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mads.guard.rights.policy import Policy
from mads.guard.rights.rule import BUILT_IN, Rule, Target
from mads.wire.call import Identity

COVERS = ("R-044", "R-047", "R-101")

TOOLS = [
    Target(f"mads.{mad}.{tool}", tool == "read", tool == "drop")
    for mad in ("a", "b", "c")
    for tool in ("read", "write", "drop")
]
PATTERNS = ["mads.>", "mads.a.*", "mads.b.read", "mads.*.drop"]
MARKS = ["", ":read_only", ":destructive"]
TENANTS = ["acme", "globex"]
PEOPLE = ["ana", "bo"]
ROLES = ["r", "s", "developer", "admin"]
CONDITIONS = ["", "true", "false", "arguments.n == 1"]
CALLS = {"a": ("mads.b.*",), "b": ("mads.>",), "c": ()}

rules = st.builds(
    Rule,
    whom=st.sampled_from([*PEOPLE, "role:r", "role:s", "mad:a", "mad:b", "mad:c"]),
    pattern=st.builds(str.__add__, st.sampled_from(PATTERNS), st.sampled_from(MARKS)),
    tenant=st.sampled_from(["*", *TENANTS]),
    allow=st.booleans(),
    when=st.sampled_from(CONDITIONS),
)
given_roles = st.dictionaries(
    st.tuples(st.sampled_from(["*", *TENANTS]), st.sampled_from(PEOPLE)),
    st.lists(st.sampled_from(ROLES), max_size=2),
    max_size=3,
)
identities = st.builds(
    Identity,
    principal=st.sampled_from([*PEOPLE, "operator", "mad:a"]),
    tenant=st.sampled_from(TENANTS),
    chain=st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(tuple),
    roles=st.lists(st.sampled_from(ROLES), max_size=2).map(tuple),
    scopes=st.sampled_from([None, ("mads.>",), ("mads.a.*:read_only",)]),
)


def fits(pattern: str, target: Target) -> bool:
    """Read a pattern without its mark in the plainest way."""
    wanted, said = pattern.split("."), target.name.split(".")
    return pattern == "mads.>" or all(one in ("*", other) for one, other in zip(wanted, said, strict=True))


def about(rule: Rule, target: Target) -> bool:
    pattern, _, mark = rule.pattern.partition(":")
    marked = {"": not target.destructive or not rule.allow, "read_only": target.read_only}
    return fits(pattern, target) and marked.get(mark, target.destructive)


def so(rule: Rule, arguments: dict[str, Any], *, unknown: bool) -> bool:
    """Say whether the condition of a rule holds; `unknown` where it has no value."""
    if rule.when == "arguments.n == 1":
        return arguments["n"] == 1 if "n" in arguments else unknown
    return rule.when != "false"


def expected(
    kept: list[Rule], roles: dict[tuple[str, str], list[str]], who: Identity, target: Target, arguments: dict[str, Any]
) -> bool:
    """Decide by reading one rule after another."""
    if who.scopes == ("mads.a.*:read_only",) and not (target.name.startswith("mads.a.") and target.read_only):
        return False
    held = {*who.roles, *roles.get(("*", who.principal), ()), *roles.get((who.tenant, who.principal), ())}
    own = {who.principal, *(f"role:{role}" for role in held)} if who.principal != "operator" else set[str]()
    on_the_way = {f"mad:{mad}" for mad in who.chain}
    valid = [one for one in (*BUILT_IN, *kept) if one.tenant in ("*", who.tenant) and about(one, target)]
    if any(one.whom in own | on_the_way and not one.allow and so(one, arguments, unknown=True) for one in valid):
        return False
    granted = {one.whom for one in valid if one.allow and so(one, arguments, unknown=False)}
    last = who.chain[-1] if who.chain else ""
    declared = bool(last) and (
        target.name.startswith(f"mads.{last}.") or any(fits(pattern, target) for pattern in CALLS[last])
    )
    link = not last or declared or f"mad:{last}" in granted
    trusted = who.principal == "operator" or (who.principal == "mad:a" and bool(last))
    return link and (trusted or bool(granted & own))


@given(
    st.lists(rules, max_size=6),
    given_roles,
    identities,
    st.sampled_from(TOOLS),
    st.sampled_from([{}, {"n": 1}, {"n": 2}]),
)
def test_the_table_decides_as_the_rules_read_one_by_one(
    kept: list[Rule],
    roles: dict[tuple[str, str], list[str]],
    who: Identity,
    target: Target,
    arguments: dict[str, Any],
) -> None:
    policy = Policy()
    policy.declare(CALLS)
    policy.put(kept, roles, 7)
    for _ in range(2):  # computed, then remembered
        decision = policy.decides(who, target, lambda: {**policy.facts(who, target), "arguments": arguments})
        assert decision.allowed == expected(kept, roles, who, target, arguments), decision
        assert decision.revision == 7


def test_what_is_changed_counts_from_the_next_decision_on() -> None:
    policy, who, tool = Policy(), Identity("ana", roles=("reader",)), Target("mads.a.read", read_only=True)
    assert not policy.decides(who, tool, dict).allowed
    policy.put([Rule("role:reader", "mads.>:read_only")], {}, 1)
    decision = policy.decides(who, tool, dict)
    assert (decision.allowed, decision.rule, decision.revision) == (True, "role:reader: allow mads.>:read_only", 1)
    policy.put([], {}, 2)
    assert policy.decides(who, tool, dict).rule == "nothing allows it"


def test_a_denial_wins_and_so_does_one_whose_condition_has_no_value() -> None:
    policy, who, tool = Policy(), Identity("ana", roles=("admin",)), Target("mads.a.read")
    policy.put([Rule("ana", "mads.a.*", allow=False, when="arguments.n == 1")], {}, 1)
    denied = policy.decides(who, tool, lambda: {"arguments": {}})
    assert (denied.allowed, denied.rule) == (False, "ana: deny mads.a.* when arguments.n == 1 (there is no n)")
    assert policy.decides(who, tool, lambda: {"arguments": {"n": 2}}).allowed


def test_many_callers_are_not_all_remembered() -> None:
    policy, tool = Policy(), Target("mads.a.read")
    for number in range(5000):
        assert not policy.decides(Identity(f"p{number}"), tool, dict).allowed
    assert len(policy.known(tool)) < 4097
