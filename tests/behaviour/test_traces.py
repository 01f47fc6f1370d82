"""A trace is the same tree wherever its MADs run, from the client's span to the last call, as a collector sees it.

The collector is a program of its own. Does not cover what it is told of each span, nor when a trace is kept.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mads.host.writing import Traces
from mads.wire.context import Context, Origin
from tests.behaviour.conftest import Troupe
from tests.observe.collector import attributes, tap

COVERS = ("R-129", "R-130")

pytestmark = pytest.mark.slow

TRACE, CLIENT, ROOT_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"
ORIGIN = Origin(TRACE, ROOT_SPAN, CLIENT, Context(sampled=True, state="a=1", baggage="b=2", protocol="2026-07-28"))


def shape(spans: list[dict[str, Any]], parent: str) -> list[Any]:
    """Return the tree below a span: names, kinds and ends, children in order."""
    return sorted(
        [span["name"], span["kind"], span["status"]["code"], shape(spans, span["spanId"])]
        for span in spans
        if span["parentSpanId"] == parent
    )


async def test_a_collector_sees_one_tree(troupe: Troupe, placement: str) -> None:
    with tap() as receiver:
        traces = Traces(otlp=receiver.address, one_in=0)
        async with troupe("tree", "gardener", traces=traces) as it:
            await it.call("gardener.prune", origin=ORIGIN, leaf={"text": "dry"})
            spans = await asyncio.to_thread(receiver.spans, 4)

    assert {span["traceId"] for span in spans} == {TRACE}
    assert {attributes(span)["mads.place"] for span in spans} == {placement}
    assert shape(spans, CLIENT) == [
        [
            "tools/call gardener.prune",
            2,
            0,
            [
                ["execute_tool tree.break_", 1, 2, []],
                ["execute_tool tree.drop", 1, 0, [["event tests.behaviour.troupe.Fell.v1", 5, 0, []]]],
            ],
        ]
    ]


async def test_a_mad_knows_its_place_in_the_trace_for_whom_it_calls_by_itself(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        own, below = await it.call("gardener.whereabouts", origin=ORIGIN)
    assert own == [f"00-{TRACE}-{ROOT_SPAN}-01", "a=1", "b=2"]
    assert below[0] != own[0]
    assert below[0].startswith(f"00-{TRACE}-")
    assert below[1:] == own[1:]
