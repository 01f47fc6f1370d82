"""A request that names its trace stays in it, whether it says so in its `_meta` or in a header, and is told its span.

Does not cover which words are well formed: tests/wire/test_context.py does.
"""

from __future__ import annotations

import pytest

from mads.wire.context import Context, Origin
from tests.gateway.desk import MODERN, OLDER, Desk, headers, opened, raw, request

COVERS = ("R-129", "R-130")

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
OTHER = f"00-{'a' * 32}-{'b' * 16}-00"


async def origin(version: str = MODERN, header: dict[str, str] | None = None, **meta: str) -> tuple[Origin, str]:
    """Return where a call came to stand, and what its client was told."""
    desk = Desk()
    async with raw(desk) as http:
        sent = await opened(http, version) | (header or {})
        answer = await http.post("/mcp", json=request(**meta), headers=sent)
    return desk.asked[0]["origin"], answer.json()["result"]["_meta"]["traceparent"]


@pytest.mark.parametrize("version", [MODERN, OLDER])
async def test_what_the_request_says_goes_before_what_the_connection_says(version: str) -> None:
    found, told = await origin(version, {"traceparent": OTHER}, traceparent=PARENT, tracestate="a=1", baggage="b=2")
    assert (found.trace, found.parent) == (TRACE, SPAN)
    said = Context(sampled=True, state="a=1", baggage="b=2", protocol=version, reaches=found.context.reaches)
    assert found.context == said
    assert told == f"00-{TRACE}-{found.span}-01"


@pytest.mark.parametrize("version", [MODERN, OLDER])
async def test_what_the_connection_says_counts_where_the_request_says_nothing_of_use(version: str) -> None:
    header = {"traceparent": PARENT, "tracestate": "a=1"}
    for meta in ({}, {"traceparent": "nonsense", "tracestate": "b=2"}):
        found, _ = await origin(version, header, **meta)
        assert (found.trace, found.parent, found.context.state) == (TRACE, SPAN, "a=1")


async def test_a_client_that_will_not_keep_its_trace_is_told_the_same() -> None:
    _, told = await origin(traceparent=PARENT[:-2] + "00")
    assert told.startswith(f"00-{TRACE}-")
    assert told.endswith("-00")


async def test_a_request_that_names_none_begins_one_and_is_told_which_also_where_it_fails() -> None:
    desk = Desk()
    async with raw(desk) as http:
        fine = await http.post("/mcp", json=request(), headers=headers())
        failed = await http.post("/mcp", json=request("desk_forget", {}), headers=headers("desk_forget"))
    told = [answer.json()["result"]["_meta"]["traceparent"] for answer in (fine, failed)]
    assert told == [f"00-{it['origin'].trace}-{it['origin'].span}-01" for it in desk.asked]
    assert desk.asked[0]["origin"].trace != desk.asked[1]["origin"].trace
