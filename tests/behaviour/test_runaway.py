"""Agents that never have enough spend no more than one cap, the core killed in the middle.

Covers what `make runaway` does at length, with fewer of them. Does not cover MADs in the core: that
does both.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from runaway.rampage import Plan, Run, rampage

COVERS = ("R-071",)
pytestmark = pytest.mark.slow


async def test_runaway_agents_are_billed_no_more_than_the_cap_and_each_refusal_says_why(tmp_path: Path) -> None:
    found = Run(Plan("process", cap=150_000, conversations=12, kill_after=40))
    await rampage(tmp_path, found)
    assert found.broke == []
    assert "system: 0.15 USD" in found.refusals
