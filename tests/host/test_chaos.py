"""Faults of a whole system, shortly: each happens, and what was acknowledged is not lost by it.

Covers what `make chaos` does at length, with fewer and shorter faults. Does not cover how others' response times fare
meanwhile: `make chaos` measures that.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos.kills import kills
from chaos.power import cuts

COVERS = ("R-120",)

pytestmark = pytest.mark.slow


async def test_kills_at_random_moments_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    outcome = await kills(tmp_path, count=3)
    assert outcome.figures["kills"] == 3
    assert outcome.figures["acknowledged"] > 0
    assert outcome.figures["lost"] == 0


async def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    _, found = await cuts(tmp_path, [2])
    assert found.acknowledged > 0
    assert found.broke == ""


async def test_a_power_cut_on_a_disk_that_lies_loses_what_was_acknowledged_and_that_is_seen(tmp_path: Path) -> None:
    _, found = await cuts(tmp_path, [1], is_honest=False)
    assert found.gone > 0
