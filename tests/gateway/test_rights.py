"""Who comes through the gateway sees what its roles let it call, and nothing else; a call goes by the same rules.

Covers both eras before a real system, refused credentials and the page of figures. Does not cover which rules there can
be: tests/host/test_rights.py does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mads.gateway.answer import FAILURE
from mads.gateway.server import Running, serve
from mads.gateway.signin import SignIn
from mads.guard.principals import OPERATOR
from mads.host.door import BusDoor
from mads.testing.placed import Placed, placed
from mads.wire.tools import ToolInfo
from tests.gateway.system import ROOT

COVERS = ("R-044", "R-047")


@asynccontextmanager
async def guarded(folder: Path) -> AsyncGenerator[tuple[Placed, Running]]:
    """Run a tree behind a gateway that goes by the system's own rules, with a role that reads some of it."""
    async with placed(folder, path=(ROOT,), tree="tests.behaviour.troupe:Tree") as it:
        system = it.system

        async def tools() -> Sequence[ToolInfo]:
            return system.tools()

        signin = SignIn(system.keys.ring, refused=system.audit.refused)
        door = BusDoor(it.bus, tools)
        running = await serve(door, port=0, figures=system.figures, signin=signin, shows=system.policy.shows)
        await steward(it, "role_new", role="reader", allow=["mads.tree.*:read_only"], deny=["mads.tree.where"])
        try:
            yield it, running
        finally:
            await running.close()


async def steward(it: Placed, tool: str, **what: Any) -> Any:
    return await it.call(f"steward.{tool}", principal=OPERATOR, **what)


async def key(it: Placed, *roles: str, name: str = "ana", scope: str = "mads.>") -> str:
    made: str = (await steward(it, "key_new", name=name, scopes=[scope], roles=list(roles)))["written"]
    return made


@asynccontextmanager
async def signed_in(running: Running, credential: str, era: str) -> AsyncGenerator[Client]:
    """Connect the SDK's own client with a credential."""
    bearing = {"authorization": f"Bearer {credential}"}
    async with (
        httpx2.AsyncClient(headers=bearing, trust_env=False) as http,
        Client(streamable_http_client(running.address, http_client=http), mode=era) as client,
    ):
        yield client


async def listed(running: Running, credential: str, era: str) -> set[str]:
    """Return the names that a client which has just come is shown: it keeps a list for as long as it is told to."""
    async with signed_in(running, credential, era) as client:
        return {tool.name for tool in (await client.list_tools()).tools}


async def test_a_reader_sees_and_calls_what_its_role_allows_and_a_change_counts_at_once(
    era: str, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as (it, running):
        await changing(it, running, await key(it, "reader"), era)


async def changing(it: Placed, running: Running, own: str, era: str) -> None:
    async with signed_in(running, own, era) as client:
        assert await listed(running, own, era) == {
            f"tree_{name}" for name in ("all", "left", "principal", "noted", "carve")
        }
        assert not (await client.call_tool("tree_principal")).is_error
        for hidden in ("tree_where", "tree_grow", "tree_fell", "steward_ps"):
            answer = await client.call_tool(hidden, {"leaf": {"text": "oak"}} if hidden == "tree_grow" else {})
            assert answer.is_error, hidden
            told = (answer.meta or {})[FAILURE]
            assert told["code"] == "denied"
            (row,) = await steward(it, "audit_list", which={"request": told["request"]})
            assert (row["principal"], row["allowed"], row["chain"]) == ("ana", False, "")
        await steward(it, "grant", whom="ana", what="mads.tree.grow", when="arguments.leaf.text == 'oak'")
        assert "tree_grow" in await listed(running, own, era)
        assert not (await client.call_tool("tree_grow", {"leaf": {"text": "oak"}})).is_error
        assert (await client.call_tool("tree_grow", {"leaf": {"text": "ash"}})).is_error
        await steward(it, "role_drop", role="reader")
        assert await listed(running, own, era) == {"tree_grow"}


async def test_a_key_without_a_role_is_a_developers_and_one_with_an_unknown_role_opens_nothing(
    era: str, tmp_path: Path
) -> None:
    async with guarded(tmp_path) as (it, running):
        seen = await listed(running, await key(it), era)
        assert {"tree_grow", "steward_ps"} <= seen
        assert "tree_fell" not in seen
        assert await listed(running, await key(it, "nobody-made-it"), era) == set()
        seen = await listed(running, await key(it, "admin", scope="mads.tree.*"), era)
        assert "tree_fell" in seen
        assert "steward_ps" not in seen


async def test_a_credential_that_is_refused_is_in_the_audit(tmp_path: Path) -> None:
    async with guarded(tmp_path) as (it, running):
        narrow = await key(it, scope="mads.tree.all")
        async with httpx2.AsyncClient(trust_env=False) as http:
            asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "tree_grow"}}
            for credential, status in (("mads_1_nonsense", 401), (narrow, 403)):
                told = await http.post(running.address, json=asked, headers={"authorization": f"Bearer {credential}"})
                assert told.status_code == status
        rows = [row for row in await steward(it, "audit_list", which={"denied": True}) if row["kind"] == "signin"]
        assert [(row["principal"], row["subject"]) for row in rows] == [("", "gateway"), ("ana", "mads.tree.grow")]


@pytest.mark.parametrize(("roles", "status"), [((), 200), (("reader",), 403), (("admin",), 200)])
async def test_the_figures_are_for_whom_the_steward_would_tell_them(
    tmp_path: Path, roles: tuple[str, ...], status: int
) -> None:
    async with guarded(tmp_path) as (it, running), httpx2.AsyncClient(trust_env=False) as http:
        bearing = {"authorization": f"Bearer {await key(it, *roles)}"}
        assert (await http.get(running.address.replace("/mcp", "/metrics"), headers=bearing)).status_code == status
