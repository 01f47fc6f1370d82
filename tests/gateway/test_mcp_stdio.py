"""The same tools over standard input and output."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.gateway.desk import request

COVERS = ("R-042",)
ROOT = Path(__file__).parents[2]
CLERK = ["-m", "tests.gateway.clerk"]


@pytest.mark.slow
async def test_a_host_that_starts_the_server_lists_and_calls_its_tools(era: str) -> None:
    started = StdioServerParameters(command=sys.executable, args=CLERK, cwd=ROOT)
    async with Client(started, mode=era, read_timeout_seconds=10) as it:
        assert "desk_echo" in [offer.name for offer in (await it.list_tools()).tools]
        result = await it.call_tool("desk.echo", {"text": "hi"})
        assert result.structured_content == {"result": "hi"}


@pytest.mark.slow
async def test_what_a_tool_prints_stays_out_of_the_protocol_and_the_end_of_input_ends_it() -> None:
    pipe = asyncio.subprocess.PIPE
    clerk = await asyncio.create_subprocess_exec(sys.executable, *CLERK, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
    said, noise = await clerk.communicate(json.dumps(request("desk_shout", {"text": "loud"})).encode() + b"\n")
    (line,) = said.splitlines()
    assert json.loads(line)["result"]["content"] == [{"type": "text", "text": "LOUD"}]
    assert noise == b"LOUD\n"
    assert clerk.returncode == 0


@pytest.mark.slow
async def test_a_line_that_is_no_message_is_told_and_the_next_is_served() -> None:
    pipe = asyncio.subprocess.PIPE
    clerk = await asyncio.create_subprocess_exec(sys.executable, *CLERK, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert clerk.stdin is not None
    assert clerk.stdout is not None
    clerk.stdin.write(b"garbage\n\xff\n" + json.dumps(request()).encode() + b"\n")
    *told, served = [json.loads(await clerk.stdout.readline()) for _ in range(3)]
    await clerk.communicate(b"")
    assert [(each["id"], each["error"]["code"]) for each in told] == [(None, -32700)] * 2
    assert served["result"]["structuredContent"] == {"result": "hi"}
