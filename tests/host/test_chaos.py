"""Faults of a whole system, shortly: each happens, and what was acknowledged is not lost by it.

Covers what `make chaos` does at length, with fewer and shorter faults. Does not cover how others' response times fare
meanwhile: `make chaos` measures that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from chaos.clock import clock_jump
from chaos.kills import kills
from chaos.misbehaviour import MISDEEDS, judged, tried
from chaos.power import cuts
from chaos.report import Outcome
from chaos.storage import corrupt_database, corrupt_log, full_disk

COVERS = ("R-105", "R-120")

pytestmark = pytest.mark.slow

Fault = Callable[[Path], Awaitable[Outcome]]


async def test_kills_at_random_moments_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    outcome = await kills(tmp_path, count=4)
    assert outcome.figures["kills"] == 4
    assert outcome.figures["acknowledged"] > 0
    assert outcome.figures["lost"] == 0


async def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    _, found = await cuts(tmp_path, [2])
    assert found.acknowledged > 0
    assert found.broke == ""


async def test_a_power_cut_on_a_disk_that_lies_loses_what_was_acknowledged_and_that_is_seen(tmp_path: Path) -> None:
    _, found = await cuts(tmp_path, [1], is_honest=False)
    assert found.gone > 0


@pytest.mark.parametrize("fault", [full_disk, corrupt_log, corrupt_database, clock_jump], ids=lambda it: it.__name__)
async def test_a_fault_loses_nothing_that_was_acknowledged(tmp_path: Path, fault: Fault) -> None:
    outcome = await fault(tmp_path)
    assert outcome.broke == ""
    assert outcome.figures["acknowledged"] > 0
    assert outcome.figures["lost"] == 0


@pytest.mark.parametrize("fault", MISDEEDS)
async def test_a_child_that_misbehaves_is_replaced_by_rule_and_no_call_of_others_fails(
    tmp_path: Path, fault: str
) -> None:
    assert (await tried(fault, tmp_path)).broke == ""


@pytest.mark.parametrize(
    ("tries", "said"),
    [
        ([(2.5, 1.0), (1.9, 1.0), (1.8, 1.0)], ""),
        ([(2.5, 1.0), (1.9, 1.0), (2.1, 1.3)], "neighbours' p99 may be 2x"),
        ([(2.5, 1.0), (1.9, 1.0), (2.1, 2.3)], ""),
    ],
    ids=["the median is within it", "the median is not", "the machine was busy"],
)
def test_neighbours_that_wait_for_too_long_break_a_fault_unless_the_machine_was_busy(
    tries: list[tuple[float, float]], said: str
) -> None:
    seen = [Outcome("fault", "", "held", figures={"p99_ratio": it, "p99_control": by}) for it, by in tries]
    assert judged(seen).broke.startswith(said)
    assert judged(seen).passed is not bool(said)
