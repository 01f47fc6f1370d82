"""What the gateway answers by hand, since most calls are as plain, is what the SDK would have answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mads.gateway.protocol.plain import PlainCalls
from tests.gateway.desk import MODERN, OLDER, Desk, gateway, opened, raw, request, talking

COVERS = ("R-042", "R-053")

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("desk_echo", {"text": "Grüße\u2028\0"}),
    "an object": ("desk_split", {"text": "a b"}),
    "nothing": ("desk_climb", {"number": 1}),
    "items": ("desk_count", {"number": 2}),
    "wrong arguments": ("desk_echo", {"text": 1}),
    "a refusal": ("desk_forget", {}),
    "a failure": ("desk_grumble", {"number": 3}),
}


@pytest.mark.parametrize("version", [MODERN, OLDER])
async def test_a_plain_call_is_answered_as_the_sdk_would(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    recognized = PlainCalls.recognized

    async def watched(*words: Any) -> Any:
        call = await recognized(*words)
        seen.append(call is not None)
        return call

    monkeypatch.setattr(PlainCalls, "recognized", watched)
    async with raw(Desk()) as http:
        sent = await opened(http, version)
        for case, (name, arguments) in CALLS.items():
            message, head = request(name, arguments), {**sent, "mcp-name": name}
            by_hand = await http.post("/mcp", json=message, headers=head)
            by_sdk = await http.post("/mcp", json=message, headers={**head, "content-type": "application/json; a=b"})
            assert seen[-2:] == [True, False], case
            assert by_hand.status_code == by_sdk.status_code, case
            assert by_hand.headers.get("mcp-session-id") == by_sdk.headers.get("mcp-session-id"), case
            assert _timeless(by_hand.json()) == _timeless(by_sdk.json()), case


def _timeless(told: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what is another for each call."""
    result = told.get("result", {})
    meta = result.get("_meta", {})
    meta.pop("traceparent", None)
    if failure := meta.get("mads/failure"):
        request_id = failure.pop("request")
        result["content"][0]["text"] = result["content"][0]["text"].replace(request_id, "")
    return told


STRANGE: dict[str, dict[str, Any]] = {
    "its name is not that of the header": {"params": {"name": "desk_wait"}},
    "it has no capabilities": {"_meta": {"io.modelcontextprotocol/clientCapabilities": None}},
    "its capabilities are no object": {"_meta": {"io.modelcontextprotocol/clientCapabilities": []}},
    "its client is no object": {"_meta": {"io.modelcontextprotocol/clientInfo": 7}},
    "its version is another": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2030-01-01"}},
    "its version of JSON-RPC is another": {"jsonrpc": "1.0"},
    "its arguments are a list": {"params": {"arguments": []}},
    "its meta is a list": {"params": {"_meta": []}},
}


async def test_a_call_that_is_not_in_order_is_no_plain_one_and_is_refused() -> None:
    desk = Desk()
    async with raw(desk) as http:
        sent = await opened(http, MODERN)
        for what, change in STRANGE.items():
            message = {**request(), "jsonrpc": change.get("jsonrpc", "2.0")}
            message["params"] |= change.get("params", {})
            if "_meta" in change:
                message["params"]["_meta"] |= change["_meta"]
            assert (await http.post("/mcp", json=message, headers=sent)).status_code == 400, what
    assert desk.asked == []


async def test_a_session_that_is_ended_cancels_what_is_answered_in_it() -> None:
    desk = Desk()
    async with gateway(desk) as running, talking(running) as http:
        sent = await opened(http, OLDER, "desk_wait")
        waiting = asyncio.create_task(http.post("/mcp", json=request("desk_wait", {}), headers=sent))
        async with asyncio.timeout(5):
            await desk.started.wait()
            assert (await http.delete("/mcp", headers=sent)).status_code == 200
            await desk.cancelled.wait()
            assert (await waiting).json()["error"]["message"] == "Request cancelled"
            assert (await http.post("/mcp", json=request(), headers=sent)).status_code == 404
