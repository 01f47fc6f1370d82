"""A long list comes in pages, in a fixed order, whatever comes and goes meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from mcp import MCPError

from mads.gateway import pages
from mads.gateway.pages import NoCursor, page
from tests.gateway.desk import NOTHING, Desk, client, headers, raw, tool

COVERS = ("R-042",)


@given(some.sets(some.text(min_size=1, max_size=5), max_size=30), some.integers(1, 7), some.data())
def test_every_thing_that_stays_is_seen_once_and_in_order(keys: set[str], size: int, data: some.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "PAGE", size)
        seen, cursor, left = list[str](), None, set(keys)
        while True:
            shown, cursor = page("tools", [(key, key) for key in sorted(left)], cursor)
            assert len(shown) <= size
            seen += shown
            if cursor is None:
                break
            left -= data.draw(some.sets(some.sampled_from(sorted(keys))))
    assert seen == sorted(seen)
    assert len({*seen}) == len(seen)
    assert left <= {*seen}


@given(some.text(max_size=50))
def test_what_is_no_cursor_of_the_list_is_refused(cursor: str) -> None:
    things = [(f"{number:03}", number) for number in range(300)]
    _, other = page("prompts", things, None)
    for wrong in (cursor, other):
        with pytest.raises(NoCursor):
            page("tools", things, wrong)


async def test_a_client_reads_all_pages(era: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 4)
    async with client(Desk(), era) as it:
        seen, cursor = list[str](), None
        while True:
            listed = await it.list_tools(cursor=cursor)
            seen += [offer.name for offer in listed.tools]
            cursor = listed.next_cursor
            if cursor is None:
                break
        with pytest.raises(MCPError, match="none of this list"):
            await it.list_tools(cursor="bm9uZQ")
    assert seen == sorted(f"{offer.mad}_{offer.tool}" for offer in Desk().offers)


async def test_lists_say_for_how_long_and_for_whom_they_may_be_kept() -> None:
    desk = Desk()
    desk.offers = [*desk.offers, tool("desk", "it", NOTHING, kind="resource", uri="desk://it", fresh=1.5)]
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    async with raw(desk) as http:

        async def asked(method: str, **params: Any) -> dict[str, Any]:
            said = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **params}}
            sent = {**headers(), "mcp-method": method, "mcp-name": params.get("uri", "")}
            answer: dict[str, Any] = (await http.post("/mcp", json=said, headers=sent)).json()["result"]
            return answer

        for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
            listed = await asked(method)
            assert (listed["ttlMs"], listed["cacheScope"]) == (5000, "private")
        read = await asked("resources/read", uri="desk://it")
        assert (read["ttlMs"], read["cacheScope"]) == (1500, "private")
