"""What the run of the official suite says of a leg: nothing passes or fails unnoticed.

Covers the verdicts and the file of what is known to fail. Does not run the suite: `make conformance` does.
"""

from conformance.verdict import judged, known

COVERS = ("R-042",)


def test_a_failure_that_has_a_reason_is_counted_and_forgiven() -> None:
    leg = judged("mads", {"ping": True, "caching": False}, {"caching": "nothing to cache"})
    assert (leg.passed, leg.failed, leg.wrong) == (["ping"], 1, [])


def test_a_failure_that_has_none_is_wrong() -> None:
    leg = judged("mads", {"ping": False}, {})
    assert (leg.failed, leg.wrong) == (1, ["ping: failed"])


def test_a_reason_that_is_no_longer_needed_is_wrong_so_the_list_only_shrinks() -> None:
    leg = judged("mads", {"ping": True}, {"ping": "once upon a time", "gone": "no such scenario"})
    assert leg.failed == 0
    assert [line.partition(":")[0] for line in leg.wrong] == ["ping", "gone"]


def test_what_is_known_to_fail_has_its_reason() -> None:
    assert all(why.strip() for reasons in known().values() for why in reasons.values())
