"""What the gateway does with requests that no honest client sends: it refuses them, at once, and goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator

import pytest

from mads.gateway import http as http_
from mads.gateway.http import MAX_BODY
from mads.gateway.server import serve
from mads.wire.errors import ConfigError
from tests.gateway.desk import MODERN, OLDER, Desk, gateway, headers, host_of, opened, raw, request, talking

COVERS = ("R-042", "R-053")
DEEP = 200_000


def deep(levels: int) -> bytes:
    """Return a call whose argument is a list of lists of lists."""
    whole = json.dumps(request(arguments={"text": "HERE"}))
    return whole.replace('"HERE"', "[" * levels + "]" * levels).encode()


async def test_a_person_is_told_what_this_is_and_how_to_connect() -> None:
    async with raw(Desk()) as http:
        page = await http.get("/")
        assert page.status_code == 200
        assert f"claude mcp add --transport http mads {http.base_url}" in page.text
        assert (await http.post("/")).status_code == 405
        assert (await http.get("/admin")).status_code == 404


@pytest.mark.parametrize("path", ["/", "/mcp"])
async def test_another_host_name_is_refused(path: str) -> None:
    async with raw(Desk()) as http:
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "", "localhost:x"):
            response = await http.post(path, json=request(), headers=headers(host=host))
            assert response.status_code == 421, host


async def test_a_web_page_from_elsewhere_is_refused_and_one_of_this_machine_is_served() -> None:
    desk = Desk()
    async with raw(desk) as http:
        for origin in ("https://evil.example", "null", "http://localhost.evil.example", "file://", ""):
            response = await http.post("/mcp", json=request(), headers=headers(origin=origin))
            assert response.status_code == 403, origin
        assert desk.asked == []
        for origin in ("http://localhost:6274", "http://127.0.0.1", "http://[::1]:1"):
            response = await http.post("/mcp", json=request(), headers=headers(origin=origin))
            assert response.status_code == 200, origin


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff"}',
    "a batch": b"[]",
    "a number": b"7",
    "null": b"null",
    "a huge number": b'{"jsonrpc":"2.0","id":' + b"9" * 100_000 + b"}",
    "no method": b'{"jsonrpc":"2.0","id":1}',
    "another JSON-RPC": b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
    "params of a wrong type": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}',
    "a bomb of lists": b"[" * DEEP,
    "a bomb of objects": b'{"a":' * DEEP,
    "a bomb in an argument": deep(DEEP),
    "a surrogate": b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}',
}


@pytest.mark.parametrize("version", [MODERN, OLDER])
async def test_a_hostile_body_is_refused_and_the_next_request_is_served(version: str) -> None:
    desk = Desk()
    async with raw(desk) as http:
        sent = await opened(http, version)
        for name, body in HOSTILE.items():
            response = await http.post("/mcp", content=body, headers=sent)
            assert 400 <= response.status_code < 500, name
            assert (await http.post("/mcp", json=request(), headers=headers())).status_code == 200, name
    assert len(desk.asked) == len(HOSTILE)


async def test_a_body_larger_than_the_limit_is_refused_declared_or_not() -> None:
    async with raw(Desk()) as http:

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(10):
                yield b" " * 1024 * 1024

        declared = await http.post("/mcp", content=b" " * (MAX_BODY + 1), headers=headers())
        undeclared = await http.post("/mcp", content=pieces(), headers=headers())
        assert (declared.status_code, undeclared.status_code) == (413, 413)


async def test_headers_that_contradict_the_body_are_refused() -> None:
    desk = Desk()
    wrongs: list[tuple[dict[str, str], int]] = [
        ({"mcp-protocol-version": "1999-01-01"}, 400),
        ({"mcp-method": "tools/list"}, 400),
        ({"mcp-name": "desk_forget"}, 400),
        ({"content-type": "text/plain"}, 400),
        ({"accept": "text/html"}, 406),
        ({"mcp-protocol-version": OLDER, "mcp-session-id": "guessed"}, 404),
        ({"mcp-protocol-version": OLDER}, 400),
    ]
    async with raw(desk) as http:
        for wrong, status in wrongs:
            response = await http.post("/mcp", json=request(), headers=headers(**wrong))
            assert response.status_code == status, wrong
    assert desk.asked == []


async def test_another_method_is_refused() -> None:
    async with raw(Desk()) as http:
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "GET"):
            response = await http.request(method, "/mcp", headers=headers())
            assert 400 <= response.status_code < 500, method


async def test_a_request_that_is_no_http_is_refused() -> None:
    async with gateway(Desk()) as running:
        reader, writer = await asyncio.open_connection(*host_of(running))
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()
        await writer.wait_closed()


async def test_closing_the_connection_cancels_the_handler() -> None:
    desk = Desk()
    async with raw(desk) as http:
        body = request("desk_wait", {})
        call = asyncio.create_task(http.post("/mcp", json=body, headers=headers("desk_wait")))
        await desk.started.wait()
        call.cancel()
        await desk.cancelled.wait()


async def test_in_the_older_era_a_handler_outlives_its_connection_and_is_cancelled_by_name() -> None:
    desk = Desk()
    async with raw(desk) as http:
        sent = await opened(http, OLDER)
        call = asyncio.create_task(http.post("/mcp", json=request("desk_wait", {}), headers=sent))
        await desk.started.wait()
        call.cancel()
        assert (await http.post("/mcp", json=request() | {"id": 2}, headers=sent)).status_code == 200
        assert not desk.cancelled.is_set()
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        await http.post("/mcp", json=cancelled, headers=sent)
        await desk.cancelled.wait()


@pytest.mark.parametrize("version", [MODERN, OLDER])
async def test_an_answer_is_one_json_body_unless_the_client_asked_for_progress(version: str) -> None:
    async with raw(Desk()) as http:
        sent = await opened(http, version, "desk_climb")
        plain = await http.post("/mcp", json=request("desk_climb", {"number": 2}), headers=sent)
        asked = await http.post("/mcp", json=request("desk_climb", {"number": 2}, progressToken="t"), headers=sent)
    assert plain.headers["content-type"] == "application/json"
    assert asked.headers["content-type"].startswith("text/event-stream")
    assert '"message":"step 2"' in asked.text


async def test_a_session_outlives_the_slow_answer_that_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_, "QUICK", 0)
    async with raw(Desk()) as http:
        for _ in range(20):
            sent = await opened(http, OLDER)
            assert (await http.post("/mcp", json=request(), headers=sent)).status_code == 200


async def test_closing_the_gateway_ends_open_streams_and_cancels_what_runs() -> None:
    desk = Desk()
    async with gateway(desk) as running, talking(running) as http:
        sent = await opened(http, OLDER)
        waiting = [
            asyncio.create_task(http.post("/mcp", json=request("desk_wait", {}, **meta), headers=headers("desk_wait")))
            for meta in ({}, {"progressToken": 1})
        ]
        async with http.stream("GET", "/mcp", headers=sent) as events, asyncio.timeout(5):
            while len(desk.asked) < len(waiting):
                await asyncio.sleep(0.01)
            await running.close()
            assert await events.aread() == b""
        assert [response.status_code for response in await asyncio.gather(*waiting)] == [503, 503]
    assert desk.cancelled.is_set()


async def test_white_space_round_a_header_is_no_part_of_it() -> None:
    async with gateway(Desk()) as running:
        body = json.dumps(request()).encode()
        sent = headers(**{"mcp-name": "  desk_echo \t", "host": " localhost ", "content-length": str(len(body))})
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        reader, writer = await asyncio.open_connection(*host_of(running))
        writer.write(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()


async def test_a_slow_client_does_not_hold_up_the_others() -> None:
    async with gateway(Desk()) as running, talking(running) as http:
        reader, writer = await asyncio.open_connection(*host_of(running))
        writer.write(b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        assert (await http.post("/mcp", json=request(), headers=headers())).status_code == 200
        await running.close()
        assert (await reader.readline()).startswith(b"HTTP/1.1 503")
        writer.close()
        await writer.wait_closed()


async def test_a_port_that_is_taken_is_an_error_that_says_what_to_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"{port}.*\[gateway\]"):
            await serve(Desk(), port=port)


async def test_signals_stay_with_the_host() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with gateway(Desk()):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
