"""Every bus adapter keeps every promise of the port, and on a bad line those that can be kept there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mads.testing.bus_suite import CHECKS, LOSSY, ONCE, Check
from mads.testing.bus_suite.events import matches
from mads.testing.bus_suite.order import Step, keeps_bands, keeps_order
from mads.testing.faults import Faulty
from mads.wire.call import Band
from tests.conformance.adapters import ADAPTERS, Adapter

COVERS = ("R-032", "R-033", "R-125")

ENGINES = ("memory", "unix")  # a bad line is as bad whichever end of it serves
DOUBLED = [check for check in CHECKS if check not in ONCE]

each_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS)
each_engine = pytest.mark.parametrize("adapter", [ADAPTERS[name] for name in ENGINES], ids=ENGINES)
any_script = st.lists(
    st.builds(
        Step,
        principal=st.sampled_from(["ana", "bo"]),
        key=st.sampled_from(["k", "l", None]),
        band=st.sampled_from(Band),
        pauses=st.integers(0, 3),
    ),
    max_size=30,
)
any_words = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4)
any_pattern = st.tuples(st.lists(st.sampled_from(["a", "b", "*"]), max_size=3), st.sampled_from(["a", "*", ">"]))


def name_of(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
@each_adapter
async def test_a_bus_keeps_its_promise(adapter: Adapter, check: Check) -> None:
    async with adapter() as (server, client):
        await check(server, client)


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
@each_engine
@pytest.mark.slow
async def test_a_bus_keeps_its_promise_on_a_line_that_is_late(adapter: Adapter, check: Check) -> None:
    async with adapter() as (server, client):
        await check(server, Faulty(client, seed=1, delay=0.002))


@pytest.mark.parametrize("check", DOUBLED, ids=name_of)
@each_engine
@pytest.mark.slow
async def test_a_bus_keeps_its_promise_on_a_line_that_doubles(adapter: Adapter, check: Check) -> None:
    async with adapter() as (server, client):
        await check(server, Faulty(client, seed=1, duplicate=0.5))


@pytest.mark.parametrize("check", LOSSY, ids=name_of)
@each_engine
@pytest.mark.slow
async def test_a_bus_keeps_its_promise_on_a_line_that_loses(adapter: Adapter, check: Check) -> None:
    async with adapter() as (server, client):
        await check(server, Faulty(client, seed=1, drop=0.3))


@each_adapter
@settings(deadline=None, max_examples=40)
@given(script=any_script, at_once=st.integers(1, 5), members=st.integers(1, 3))
async def test_a_bus_keeps_any_order(adapter: Adapter, script: list[Step], at_once: int, members: int) -> None:
    async with adapter() as (server, client):
        await keeps_order(server, client, script, at_once=at_once, members=members)


@each_adapter
@settings(deadline=None, max_examples=40)
@given(script=any_script)
async def test_a_bus_keeps_any_bands(adapter: Adapter, script: list[Step]) -> None:
    async with adapter() as (server, client):
        await keeps_bands(server, client, script)


@each_adapter
@settings(deadline=None, max_examples=100)
@given(pattern=any_pattern, subject=any_words)
async def test_a_bus_matches_as_a_regular_expression_would(
    adapter: Adapter, pattern: tuple[list[str], str], subject: list[str]
) -> None:
    words = [*pattern[0], pattern[1]]
    expression = {"*": "[^.]+", ">": ".+"}
    expected = re.fullmatch(r"\.".join(expression.get(word, word) for word in words), ".".join(subject))
    async with adapter() as (server, client):
        await matches(server, client, ".".join(words), ".".join(subject), expected=expected is not None)
