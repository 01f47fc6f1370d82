"""A trace is judged at its end: kept where it failed, was slow or costly, or is one in so many; and nothing piles up.

Does not cover where what is kept goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

import pytest

from mads.observe.tail import DECIDED, GRACE, LARGE, LONGEST, OPEN, Rules, Seen, Tail
from mads.wire.context import Context
from mads.wire.record import Entry

COVERS = ("R-129",)

RULES = Rules(slow_us=1000, costly=50, one_in=0)


def seen(trace: str, span: int = 1, *, cause: str | None = None, sampled: bool | None = None, **more: Any) -> Seen:
    fields: dict[str, Any] = {
        "kind": "call",
        "id": f"r-{span}",
        "cause": cause,
        "subject": "mads.a.b",
        "principal": "ana",
        "tenant": "default",
        "trace": trace,
        "span": f"{span:016x}",
        "at_us": 0,
        "took_us": 1,
        "outcome": "ok",
    }
    return Seen(Entry(**fields | more), Context(sampled))


def names(traces: Iterable[Sequence[Seen]]) -> list[tuple[str, int]]:
    return [(trace[0].entry.trace, len(trace)) for trace in traces]


@pytest.mark.parametrize(
    ("kept", "more"),
    [
        (False, {}),
        (True, {"outcome": "failed"}),
        (True, {"outcome": "denied"}),
        (False, {"outcome": "unheard"}),
        (True, {"took_us": 1000}),
        (True, {"cost": 50}),
        (True, {"sampled": True}),
        (False, {"sampled": False}),
        (True, {"sampled": False, "outcome": "lost"}),
    ],
)
def test_a_trace_is_kept_for_what_one_of_its_spans_is(kept: bool, more: dict[str, Any]) -> None:  # noqa: FBT001  a case
    tail = Tail(RULES)
    assert names(tail.add([seen("ab", 2, cause="r-1", **more), seen("ab")], 0)) == []
    assert names(tail.ripe(GRACE / 2)) == []
    assert names(tail.ripe(GRACE)) == ([("ab", 2)] if kept else [])
    assert (tail.kept, tail.dropped) == (kept, not kept)


def test_the_costs_of_all_spans_count_together() -> None:
    tail = Tail(RULES)
    list(tail.add([seen("ab", 2, cause="r-1", cost=30), seen("ab", cost=20)], 0))
    assert names(tail.ripe(GRACE)) == [("ab", 2)]


def test_one_in_so_many_is_kept() -> None:
    tail = Tail(Rules(1000, 50, 10))
    list(tail.add([seen(f"{number:032x}") for number in range(1000)], 0))
    assert len(names(tail.ripe(inf))) == 100


def test_what_comes_late_follows_the_decision_or_makes_a_better_one() -> None:
    tail = Tail(RULES)
    list(tail.add([seen("ab", outcome="failed"), seen("cd")], 0))
    assert names(tail.ripe(GRACE)) == [("ab", 1)]
    list(tail.add([seen("ab", 2, cause="r-1"), seen("cd", 2, cause="r-1")], 5))
    assert names(tail.ripe(5 + GRACE)) == [("ab", 1)]
    list(tail.add([seen("cd", 3, cause="r-1", outcome="failed")], 9))
    assert names(tail.ripe(9 + GRACE)) == [("cd", 1)]


def test_a_trace_whose_root_does_not_end_is_judged_all_the_same() -> None:
    tail = Tail(RULES)
    list(tail.add([seen("ab", 2, cause="r-1", outcome="failed")], 0))
    assert names(tail.ripe(LONGEST - 1)) == []
    assert names(tail.ripe(LONGEST)) == [("ab", 1)]


def test_nothing_piles_up() -> None:
    tail = Tail(RULES)
    large = [seen("ab", number, cause="r-0", outcome="failed") for number in range(LARGE)]
    assert names(tail.add(large, 0)) == [("ab", LARGE)]

    many = [seen(f"{number:032x}", cause="r-0", outcome="failed") for number in range(OPEN + 10)]
    assert len(names(tail.add(many, 0))) == 10
    assert len(names(tail.ripe(inf))) == OPEN

    list(tail.add([seen("ab", outcome="failed")], 0))
    assert names(tail.ripe(inf)) == [("ab", 1)]
    list(tail.add([seen(f"{number:032x}") for number in range(DECIDED + 1)], 0))
    list(tail.ripe(inf))
    list(tail.add([seen("ab", 2)], 0))
    assert names(tail.ripe(inf)) == []
