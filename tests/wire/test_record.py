"""What a MAD in another process may say that it decided.

Covers whose name it says it in, and how much. Does not cover what guards decide.
"""

from __future__ import annotations

from mads.wire.record import RULE, RULES, Decision, own

COVERS = ("R-073",)
SUBJECT = "mads.fiedler.complete"


def test_a_mad_says_what_it_decided_itself_and_never_what_a_guard_did() -> None:
    mine, forged, others = (
        Decision(layer, allowed=True, rule="so") for layer in ("mads.fiedler", "access", "mads.turing")
    )
    assert own([forged, mine, others], SUBJECT) == (mine,)
    assert own([mine], "mads.access.complete") == ()
    [cut] = own([Decision("mads.fiedler", allowed=False, rule="x" * 9999, revision=7)], SUBJECT)
    assert (len(cut.rule), cut.revision) == (RULE, 0)
    assert len(own([mine] * 999, SUBJECT)) == RULES
