"""`mads mcp` bridges a client that starts its servers itself to the running system, and finds that again."""

from __future__ import annotations

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.cli.shell import MADS, Mads, up

COVERS = ("R-042", "R-148")

pytestmark = pytest.mark.slow


def client(mads: Mads) -> Client:
    """Return a client that has `mads mcp` for its server."""
    started = StdioServerParameters(command=str(MADS), args=["mcp"], cwd=mads.folder)
    return Client(started, read_timeout_seconds=20)


async def test_a_client_lists_and_calls_the_tools_of_the_running_system(parlour: Mads) -> None:
    async with client(parlour) as it:
        names = {tool.name for tool in (await it.list_tools()).tools}
        assert {"parrot_repeat", "witness_heard", "steward_ps"} <= names
        result = await it.call_tool("parrot_repeat", {"text": "hi", "times": 2})
        assert result.structured_content == {"result": ["hi", "hi"]}


async def test_the_client_is_the_anonymous_developer(parlour: Mads) -> None:
    async with client(parlour) as it:
        denied = await it.call_tool("parrot_forget", {})
        assert denied.is_error
        assert "destructive and the caller is anonymous" in str(denied.content)


async def test_a_system_that_was_restarted_is_found_again(project: Mads) -> None:
    with up(project.folder):
        stack = client(project)
        it = await stack.__aenter__()
    gone = await it.call_tool("parrot_repeat", {"text": "hi"})
    assert "no system runs" in str(gone.content)
    with up(project.folder):
        back = await it.call_tool("parrot_repeat", {"text": "hi"})
        assert back.structured_content == {"result": ["hi"]}
        await stack.__aexit__(None, None, None)


def test_without_a_system_it_says_so_and_writes_nothing_for_the_protocol(project: Mads) -> None:
    ran = project("mcp")

    assert (ran.returncode, ran.stdout) == (3, "")
    assert "no system runs" in ran.stderr
