"""What grows without end is found and named; what is only busy is not.

Covers fields that hold ever more, types that become ever more, garbage, caches with a bound, whole systems in both
places. Does not cover memory that Python does not count.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.host.config import MadConfig
from mads.host.lifecycle import Supervision
from mads.host.supervise.census import FLAT, MORE, STEPS, Census, Growth
from mads.testing.placed import placed
from tests.behaviour.conftest import ROOT
from tests.host.leaking import Leaking

COVERS = ("R-118",)
pytestmark = pytest.mark.slow


@dataclass
class Thing:
    """Something of which there may be too many."""

    other: Thing | None = None


@dataclass
class Holder:
    """A MAD, as far as a census looks at it."""

    seen: list[bytes] = field(default_factory=list[bytes])
    cache: dict[int, None] = field(default_factory=dict[int, None])
    rows: list[dict[str, int]] = field(default_factory=list[dict[str, int]])


CACHE: dict[int, Thing] = {}
"""What a module keeps for ever."""


def test_a_field_that_holds_ever_more_is_named_with_how_many_more() -> None:
    holder, census = Holder(), Census(1)
    census.know("holder", holder)
    for _ in range(STEPS + 1):
        census.look()
        holder.seen += [b""] * 500
    assert "Holder.seen (list)" in census.growing("holder")
    assert "2,500 more" in census.growing("holder")


def test_the_type_of_what_a_field_or_its_module_holds_is_named() -> None:
    holder, census = Holder(), Census(1)
    census.know("holder", holder)
    for _ in range(STEPS + 1):
        census.look()
        holder.rows += [{} for _ in range(500)]
    assert "Holder.rows (list) of dict:" in census.growing("holder")
    holder, census = Holder(), Census(1)
    census.know("holder", holder)
    try:
        for _ in range(STEPS + 1):
            census.look()
            CACHE.update({len(CACHE) + number: Thing() for number in range(500)})
        assert f"{__name__}.CACHE (dict) of {__name__}.Thing:" in census.growing("holder")
    finally:
        CACHE.clear()


def test_a_type_that_becomes_ever_more_is_named() -> None:
    census, hidden = Census(1, alone="mad"), list[Thing]()
    for _ in range(STEPS + 2):
        census.look()
        hidden += [Thing() for _ in range(1000)]
    assert "Thing" in census.growing("mad")


def test_garbage_and_what_is_forgotten_again_is_no_leak() -> None:
    holder, census = Holder(), Census(1)
    census.know("holder", holder)
    for step in range(4 * STEPS):
        for _ in range(1000):
            one = Thing()
            one.other = Thing(one)
        holder.cache = dict.fromkeys(range(2000 * (step % 3)))
        census.look()
        assert census.growing("holder") == ""


@given(st.lists(st.integers(0, MORE - 1), min_size=1, max_size=60))
def test_what_stays_below_a_bound_is_never_a_leak(counts: list[int]) -> None:
    growth = Growth(counts[0], counts[0], 0, 0)
    for count in counts[1:]:
        if not growth.add(count):
            growth = Growth(count, count, 0, 0)
        assert not growth.is_leak


@given(st.integers(0, 10_000), st.integers(MORE, 10 * MORE), st.integers(0, FLAT))
def test_what_grows_for_ever_is_found_however_often_it_pauses(first: int, each: int, pauses: int) -> None:
    growth = Growth(first, first, 0, 0)
    for step in range(STEPS):
        assert growth.add(first + each * (step + 1))
        assert all(growth.add(first + each * (step + 1)) for _ in range(pauses))
    assert growth.is_leak


@pytest.mark.slow
@pytest.mark.parametrize("run", ["here", "process"])
async def test_a_leaking_mad_is_named_and_a_busy_one_is_not(tmp_path: Path, run: str) -> None:
    mad = MadConfig("tests.host.leaking:Leaking")
    rules = Supervision(census=0.1)
    async with placed(tmp_path, run, path=(ROOT,), supervision=rules, leaking=mad, busy=mad) as it:
        async with asyncio.timeout(20):
            while True:
                await it.mad(Leaking).leak(400)
                await it.mad(Leaking, "busy").work(400)
                seen = {status.mad: status for status in await it.system.status()}
                if seen["leaking"].growing:
                    break
                await asyncio.sleep(0.05)
        assert "Leaking.kept (list)" in seen["leaking"].growing
        assert (seen["leaking"].health, seen["leaking"].why) == ("yellow", seen["leaking"].growing)
        assert (seen["busy"].health, seen["busy"].growing) == ("green", "")
