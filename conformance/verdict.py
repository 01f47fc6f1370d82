"""What was expected of each leg: the failures that are known, by name and reason, and nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

EXPECTED = Path(__file__).with_name("expected.toml")


@dataclass(frozen=True)
class Leg:
    """One subject measured by one revision: each scenario that passed, failed for a known reason, or surprises."""

    name: str
    passed: list[str] = field(default_factory=list[str])
    expected: dict[str, str] = field(default_factory=dict[str, str])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def failed(self) -> int:
        """How many scenarios failed, for a known reason or none."""
        return len(self.expected) + sum(": failed" in line for line in self.wrong)


def known() -> dict[str, dict[str, str]]:
    """Return by leg the scenarios that are expected to fail, each with its reason."""
    return tomllib.loads(EXPECTED.read_text())


def judged(name: str, verdicts: Mapping[str, bool], reasons: Mapping[str, str]) -> Leg:
    """Return what to think of a leg; a reason that is no longer needed is as wrong as a failure that has none."""
    wrong = [
        f"{scenario}: passed, but stands in {EXPECTED.name} [{name}]; delete that line"
        for scenario in reasons
        if verdicts.get(scenario, True)
    ]
    wrong += [f"{scenario}: failed" for scenario, good in verdicts.items() if not good and scenario not in reasons]
    return Leg(
        name,
        passed=[scenario for scenario, good in verdicts.items() if good],
        expected={scenario: why for scenario, why in reasons.items() if not verdicts.get(scenario, True)},
        wrong=wrong,
    )
