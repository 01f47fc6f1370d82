"""What one client can take from the others at the gateway: nothing, whether it is silent, slow, large or many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mads.gateway import connection, http, server
from mads.gateway.answer import FAILURE, LONGEST
from mads.gateway.protocol import endpoint
from mads.host.door import BusDoor
from mads.testing.placed import placed
from tests.gateway.desk import MODERN, OLDER, Desk, gateway, headers, host_of, opened, raw, request, talking
from tests.gateway.system import ROOT

COVERS = ("R-042", "R-053")
HEAD = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\n"
SILENT = (b"", b"POST /mcp HT", HEAD)
"""What clients send that never come to the point."""


@asynccontextmanager
async def sums(folder: Path) -> AsyncGenerator[httpx2.AsyncClient]:
    """Serve a real system to a client that sends whatever it is told to."""
    async with placed(folder, strict=False, path=(ROOT,), sums="tests.gateway.sums:Sums") as it:

        async def tools() -> Any:
            return it.system.tools()

        async with raw(BusDoor(it.bus, tools)) as client:
            yield client


async def result(client: httpx2.AsyncClient, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a call."""
    response = await client.post("/mcp", json=request(name, arguments), headers=headers(name))
    return dict(response.json()["result"])


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the gateway hangs up."""
    async with asyncio.timeout(5):
        return await reader.read()


async def test_large_arguments_are_taken_and_wrong_ones_are_refused_by_the_callee(tmp_path: Path) -> None:
    many = [1] * 1_390_000
    async with sums(tmp_path) as client:
        assert (await result(client, "sums_add", {"numbers": many}))["structuredContent"] == {"result": len(many)}
        refused = await result(client, "sums_add", {"x": many})
        small = await result(client, "sums_add", {"numbers": [], "x": 1})
    assert refused["isError"]
    assert refused["_meta"][FAILURE]["code"] == small["_meta"][FAILURE]["code"] == "invalid"
    assert "`x`" in refused["content"][0]["text"]
    assert "there is no 'x', only 'numbers'" in small["content"][0]["text"]


async def test_a_result_that_json_does_not_have_is_a_failure_in_words(tmp_path: Path) -> None:
    async with sums(tmp_path) as client:
        infinite = await result(client, "sums_add", {"numbers": [1e308, 1e308]})
    assert infinite["isError"]
    assert "infinity, which JSON does not have" in infinite["content"][0]["text"]
    assert "structuredContent" not in infinite


@pytest.mark.parametrize("version", [MODERN, OLDER])
@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
async def test_a_number_that_json_does_not_have_is_no_json(version: str, number: str) -> None:
    desk = Desk()
    async with raw(desk) as client:
        sent = await opened(client, version, "desk_climb")
        body = json.dumps(request("desk_climb", {"number": "HERE"})).replace('"HERE"', number)
        response = await client.post("/mcp", content=body, headers=sent)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32700)
    assert desk.asked == []


async def test_a_long_reason_is_cut_and_a_result_that_is_too_large_is_a_failure() -> None:
    async with raw(Desk()) as client:
        grumbled = await result(client, "desk_grumble", {"number": 100_000})
        swollen = await result(client, "desk_swell", {"number": 9 * 1024 * 1024})
    told = grumbled["_meta"][FAILURE]
    assert len(told["message"]) == len(told["cause"]["message"]) == LONGEST
    assert told["message"].endswith("…")
    assert "return less" in swollen["content"][0]["text"]


async def test_a_client_that_sends_no_request_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_WITHIN", 0.1)
    async with gateway(Desk()) as running:
        for said in SILENT:
            reader, writer = await asyncio.open_connection(*host_of(running))
            writer.write(said)
            assert await answered(reader) == b""
            writer.close()


async def test_a_client_that_begins_its_next_request_and_stops_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_WITHIN", 0.1)
    async with gateway(Desk()) as running:
        reader, writer = await asyncio.open_connection(*host_of(running))
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.write(b"\r\n")
        await answered(reader)
        writer.close()


async def test_silent_clients_make_room_for_one_that_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS", 4)
    async with gateway(Desk()) as running, talking(running) as client:
        silent = [await asyncio.open_connection(*host_of(running)) for _ in range(20)]
        for _, writer in silent:
            writer.write(HEAD)
        assert (await client.post("/mcp", json=request(), headers=headers())).status_code == 200
        assert await answered(silent[0][0]) == b""
        for _, writer in silent:
            writer.close()


async def test_no_request_that_is_answered_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, server):
        monkeypatch.setattr(module, "CONNECTIONS", 1)
    desk = Desk()
    async with gateway(desk) as running, talking(running) as client, talking(running) as other:
        waiting = asyncio.create_task(
            client.post("/mcp", json=request("desk_wait", {}), headers=headers("desk_wait")), name="waiting"
        )
        await desk.started.wait()
        assert (await other.post("/mcp", json=request(), headers=headers())).status_code == 503
        assert not desk.cancelled.is_set()
        waiting.cancel()
        await desk.cancelled.wait()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"content-length: 5000000\r\n\r\n" + b" " * 5_000_000, b"413"),
        (b"transfer-encoding: chunked\r\n\r\n4c4b40\r\n" + b" " * 5_000_000 + b"\r\n0\r\n\r\n", b"413"),
        (b"content-length: 5000000\r\n\r\n{", b"413"),
        (b"content-length: 10\r\n\r\n{", b"408"),
    ],
)
async def test_a_body_that_is_refused_is_answered_before_the_gateway_hangs_up(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, status: bytes
) -> None:
    monkeypatch.setattr(http, "BODY_WITHIN", 1)
    async with gateway(Desk()) as running:
        reader, writer = await asyncio.open_connection(*host_of(running))
        writer.write(HEAD + sent)
        told = await answered(reader)
        writer.close()
    assert told.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close\r\n" in told


async def test_the_session_that_was_idle_longest_makes_room_and_a_busy_one_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint, "SESSIONS", 3)
    desk = Desk()
    async with raw(desk) as client:
        busy, idle = await opened(client, OLDER), await opened(client, OLDER)
        waiting = asyncio.create_task(client.post("/mcp", json=request("desk_wait", {}), headers=busy))
        await desk.started.wait()
        sessions = [await opened(client, OLDER) for _ in range(5)]
        asked = [
            (await client.post("/mcp", json=request() | {"id": 2}, headers=sent)).status_code
            for sent in (busy, idle, *sessions)
        ]
        waiting.cancel()
    assert asked == [200, 404, 404, 404, 404, 200, 200]
