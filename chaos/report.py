"""What came of each fault: that it happened, and what it did; a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 72


class Broken(Exception):
    """A fault broke what must hold, or did not happen; the message says which."""


@dataclass(frozen=True)
class Outcome:
    """One fault: the `proof` that it happened, what `held`, and figures under names of their own.

    `broke` says what did not hold; "" where all did.
    """

    fault: str
    proof: str
    held: str
    broke: str = ""
    figures: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def passed(self) -> bool:
        """Whether all that must hold did."""
        return not self.broke


def line(outcome: Outcome) -> str:
    """Return one row of the table."""
    said = outcome.held if outcome.passed else f"BROKE: {outcome.broke}"
    return f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.fault:<26} | {outcome.proof:<{WIDTH}} | {said}"


def tell(outcomes: Sequence[Outcome], figures: dict[str, float]) -> None:
    """Print how many passed, and with JSON=1 the figures on one last line."""
    passed = sum(outcome.passed for outcome in outcomes)
    failed = len(outcomes) - passed
    print(f"\n{passed} passed, {failed} failed")
    if os.environ.get("JSON") == "1":
        faults = [{"fault": it.fault, "passed": it.passed, "proof": it.proof, **it.figures} for it in outcomes]
        print(json.dumps({"passed": passed, "failed": failed, **figures, "faults": faults}))
