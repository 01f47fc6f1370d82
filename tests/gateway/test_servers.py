"""A server of its own at `/mcp/NAME`: what it shows, how things are called there, and what it lets nobody do."""

from __future__ import annotations

import pytest
from mcp import Client, MCPError

from mads.gateway.server import serve
from mads.gateway.signin import METADATA, SignIn
from mads.guard.oidc import Oidc
from mads.host.gateway import ServerConfig
from mads.wire.errors import ConfigError
from tests.gateway.desk import Desk, headers, request, talking

COVERS = ("R-042",)

SERVERS = {
    "attic": ServerConfig(tools=("mads.attic.*",), names="plain"),
    "dotted": ServerConfig(tools=("mads.desk.*", "mads.attic.echo"), names="dotted"),
    "reading": ServerConfig(tools=("mads.>:read_only",)),
}


async def test_a_server_shows_its_choice_under_its_names(era: str) -> None:
    running = await serve(Desk(), port=0, servers=SERVERS)
    seen: dict[str, list[str]] = {}
    for address in running.others:
        async with Client(address, mode=era, read_timeout_seconds=10) as client:
            seen[address.rpartition("/")[2]] = [offer.name for offer in (await client.list_tools()).tools]
    await running.close()
    assert (seen["attic"], seen["reading"]) == (["echo"], ["desk_echo"])
    assert {"attic.echo", "desk.echo", "desk.wait"} <= {*seen["dotted"]}


async def test_what_a_server_does_not_show_cannot_be_called_there(era: str) -> None:
    desk = Desk()
    running = await serve(desk, port=0, servers=SERVERS)
    async with Client(f"{running.address}/attic", mode=era, read_timeout_seconds=10) as client:
        for name in ("echo", "attic.echo", "mads.attic.echo"):
            assert not (await client.call_tool(name, {"text": "hi"})).is_error
        for name in ("desk_echo", "mads.desk.echo", "attic_echo"):
            with pytest.raises(MCPError, match="Unknown tool"):
                await client.call_tool(name, {"text": "hi"})
    await running.close()
    assert [call["tool"] for call in desk.asked] == ["mads.attic.echo"] * 3


async def test_there_is_nothing_at_another_address_and_a_session_is_of_one() -> None:
    running = await serve(Desk(), port=0, servers=SERVERS)
    async with talking(running) as http:
        for path in ("/mcp/none", "/mcp/attic/", "/mcp/", f"{METADATA}/mcp/none"):
            assert (await http.get(path)).status_code == 404
        missing = await http.post("/mcp/none", json=request(), headers=headers())
        assert (missing.status_code, "/mcp/attic" in missing.text) == (404, True)
        sent = headers("x", **{"mcp-protocol-version": "2025-11-25", "mcp-session-id": "elsewhere"})
        assert (await http.post("/mcp/attic", json=request(), headers=sent)).status_code == 404
    await running.close()


async def test_a_server_says_of_itself_where_tokens_come_from() -> None:
    signin = SignIn(oidc=Oidc(issuer="http://127.0.0.1:9/", scopes={"read": ("mads.>",)}), anonymous=False)
    running = await serve(Desk(), port=0, servers=SERVERS, signin=signin)
    async with talking(running) as http:
        refused = await http.post("/mcp/attic", json=request("echo"), headers=headers("echo"))
        assert refused.status_code == 401
        where = f"{METADATA}/mcp/attic"
        assert f'{where}"' in refused.headers["www-authenticate"]
        assert (await http.get(where)).json()["resource"] == f"{running.address}/attic"
    await running.close()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            ServerConfig(names="plain"),
            r'both are .echo. to them; write names = "underscore", or fewer tools, under \[gat',
        ),
        (ServerConfig(tools=("mads.none.*",)), r"\[gateway.servers.it\] shows nothing: no tool fits mads.none.\*"),
    ],
)
async def test_a_server_whose_names_would_not_work_is_refused_at_start(config: ServerConfig, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        await serve(Desk(), port=0, servers={"it": config})
