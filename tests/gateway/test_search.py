"""A host with hundreds of tools is shown three, by which it finds, reads about and calls the others."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from msgspec.structs import replace

from mads.gateway.server import serve
from mads.gateway.signin import SignIn
from mads.gateway.surface import Surface
from mads.gateway.view import View
from mads.guard.keys import KeyRing
from mads.host.gateway import ServerConfig
from mads.wire.errors import ConfigError
from tests.gateway.desk import NOTHING, TEXT, Desk, headers, request, talking, tool
from tests.gateway.test_mcp_tools import text_of
from tests.gateway.test_signin import bearing, made

COVERS = ("R-042",)

WIDE = {"wide": ServerConfig(search=True)}
CROWD = [
    ("mail", "send", "Send a message to somebody by electronic mail."),
    ("mail", "drafts", "Return the messages that were begun and not sent."),
    ("calendar", "book_room", "Reserve a meeting room for a time."),
    ("calendar", "upcoming", "Return the meetings of the coming days."),
    ("bank", "transfer", "Move money from one account to another."),
    ("bank", "balance", "Return how much money an account holds."),
]


def crowd() -> Desk:
    """Return a desk with more tools than anybody reads."""
    desk = Desk()
    many = [tool(f"filler{number}", "idle", NOTHING) for number in range(200)]
    desk.offers = [*desk.offers, *many, *(tool(mad, name, NOTHING) for mad, name, _ in CROWD)]
    told = {f"mads.{mad}.{name}": words for mad, name, words in CROWD}
    desk.offers = [_saying(it, told.get(it.name, it.description)) for it in desk.offers]
    return desk


def _saying(it: Any, description: str) -> Any:
    return replace(it, description=description)


async def test_a_host_finds_reads_about_and_calls_a_tool(era: str) -> None:
    running = await serve(crowd(), port=0, servers=WIDE)
    async with Client(f"{running.address}/wide", mode=era, read_timeout_seconds=10) as client:
        assert [offer.name for offer in (await client.list_tools()).tools] == [
            "call_tool",
            "describe_tool",
            "search_tools",
        ]
        asked = {"query": "How do I reserve a room for meetings?"}
        found = (await client.call_tool("search_tools", asked)).structured_content
        assert found is not None
        assert [it["name"] for it in found["tools"]][:2] == ["calendar_book_room", "calendar_upcoming"]
        told = (await client.call_tool("describe_tool", {"name": "desk_echo"})).structured_content
        assert told is not None
        assert told["inputSchema"] == TEXT
        called = await client.call_tool("call_tool", {"name": "desk_echo", "arguments": {"text": "hi"}})
        assert (text_of(called), called.structured_content) == ("hi", {"result": "hi"})
        wrong = await client.call_tool("call_tool", {"name": "desk_echo", "arguments": {"txt": "hi"}})
        assert "write 'text'" in text_of(wrong)
        for arguments in ({}, {"query": "x", "limit": 0}, {"query": 3}):
            assert (await client.call_tool("search_tools", dict[str, Any](arguments))).is_error
        assert (await client.call_tool("describe_tool", {})).is_error
        with pytest.raises(MCPError, match="Unknown tool: 'desk_sing'"):
            await client.call_tool("call_tool", {"name": "desk_sing"})
    await running.close()


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("send an email", "mail_send"),
        ("moneyTransfer between accounts", "bank_transfer"),
        ("what was I writing, unsent messages", "mail_drafts"),
        ("how much is on my account", "bank_balance"),
    ],
)
async def test_the_tool_that_is_meant_comes_first(query: str, best: str) -> None:
    surface = Surface(crowd().offers, View("wide", ServerConfig(search=True)))
    assert surface.search is not None
    found = surface.search.found({"query": query}, lambda _: True)
    assert found["tools"][0]["name"] == best


async def test_what_may_not_be_called_is_neither_found_nor_described_nor_called() -> None:
    desk, ring = crowd(), KeyRing()
    key, _ = made(ring, scopes=("mads.bank.balance", "mads.desk.echo"))
    running = await serve(desk, port=0, servers=WIDE, signin=SignIn(ring, anonymous=False))
    async with talking(running) as http:

        async def asked(name: str, /, **arguments: Any) -> httpx2.Response:
            sent = headers(name, **bearing(key))
            return await http.post("/mcp/wide", json=request(name, dict[str, Any](arguments)), headers=sent)

        found = (await asked("search_tools", query="transfer money")).json()["result"]["structuredContent"]
        assert found == {"tools": [{"name": "bank_balance", "description": CROWD[-1][2]}], "of": 2}
        described = (await asked("describe_tool", name="bank_transfer")).json()["result"]
        assert "there is no tool" in described["content"][0]["text"]
        refused = await asked("call_tool", name="bank_transfer")
        assert (refused.status_code, "mads.bank.transfer" in refused.headers["www-authenticate"]) == (403, True)
        assert (await asked("call_tool", name="desk_echo", arguments={"text": "hi"})).status_code == 200
    await running.close()
    assert [call["tool"] for call in desk.asked] == ["mads.desk.echo"]


def test_a_tool_that_has_a_name_of_the_search_is_refused() -> None:
    view = View("wide", ServerConfig(search=True, names="plain"))
    with pytest.raises(ConfigError, match=r"mads.it.call_tool is 'call_tool' at .gateway.servers.wide., where search"):
        Surface([tool("it", "call_tool", NOTHING)], view)
