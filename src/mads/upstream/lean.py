"""Requests of the newer era, posted by hand: a third of what the SDK's client costs, and each with a caller of its own.

In that era a request stands alone and says itself what its caller can be asked; a client made once for all could not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, cast

import msgspec
from mcp.shared.inbound import encode_header_value, mcp_param_headers, x_mcp_header_map
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    PROTOCOL_VERSION_META_KEY,
)

from mads.upstream.bearer import Bearer
from mads.upstream.faults import refusal
from mads.upstream.peer import Peer, Said
from mads.upstream.post import Post, Response
from mads.wire.codec import MAX_BYTES
from mads.wire.errors import Lost, NoResponder
from mads.wire.tools import Definition

NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Which parameter of a method stands in its `Mcp-Name` header."""

ABLE = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
"""What a caller can who answers a method, as a request says it."""

_SAYS_SO: dict[str, Any] = {"elicitation": {"form": {}}}
_INFO = {"name": "mads", "version": "1"}


class Lean:
    """Asks a server in that version of MCP; each request shows it `secret`, or what `bearer` says."""

    def __init__(self, http: Post, version: str, secret: str, bearer: Bearer | None) -> None:
        self._http, self._version, self._secret, self._bearer = http, version, secret, bearer
        self._new_id = count(1).__next__
        self._mirrored: dict[str, Any] = {}

    def know(self, definitions: Iterable[Definition]) -> None:
        """Take note of which arguments of which tools stand in headers, too."""
        tools = ((it.name, x_mcp_header_map(it.said.get("inputSchema"))) for it in definitions if it.kind == "tool")
        self._mirrored = {name: mirrored for name, mirrored in tools if mirrored}

    async def request(self, method: str, params: Mapping[str, Any], peer: Peer) -> Said:
        """Return the result of one request, while `peer` hears what the server says before it."""
        id_ = self._new_id()
        said = {**params, "_meta": self._meta(peer, id_)}
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": id_, "method": method, "params": said})
        headers = self._headers(method, params)
        async with self._posted(headers, body) as response:
            async for message in _messages(response):
                if message.get("id") == id_ and "method" not in message:
                    await _lacking(message, peer)
                    return _result(message)
                await peer.hear(message)
        raise Lost("the answer broke off")

    @asynccontextmanager
    async def _posted(self, headers: dict[str, str], body: bytes) -> AsyncGenerator[Response]:
        """Yield the answer to a request; where that asks for another token, and there is one, it is posted again."""
        shown = await self._bearer.token() if self._bearer is not None else self._secret
        if shown:
            headers["authorization"] = f"Bearer {shown}"
        async with self._http.post(headers, body) as response:
            if self._bearer is None or not await self._bearer.challenged(response.status, response.headers, shown):
                yield response
                return
        headers["authorization"] = f"Bearer {await self._bearer.token()}"
        async with self._http.post(headers, body) as response:
            yield response

    def _meta(self, peer: Peer, id_: int) -> Said:
        can = {ABLE[method]: _SAYS_SO.get(ABLE[method], {}) for method in peer.can if method in ABLE}
        meta = {
            PROTOCOL_VERSION_META_KEY: self._version,
            CLIENT_INFO_META_KEY: _INFO,
            CLIENT_CAPABILITIES_META_KEY: can,
            **peer.meta,
        }
        if "notifications/progress" in peer.can:
            meta["progressToken"] = id_
        if "notifications/message" in peer.can:
            meta[LOG_LEVEL_META_KEY] = "debug"
        return meta

    def _headers(self, method: str, params: Mapping[str, Any]) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": self._version,
            "mcp-method": method,
        }
        if (key := NAMED.get(method)) is not None:
            headers["mcp-name"] = encode_header_value(params[key])
        mirrored = self._mirrored.get(params.get("name", "")) if method == "tools/call" else None
        return {**headers, **mcp_param_headers(mirrored, params["arguments"])} if mirrored else headers


async def _messages(response: Response) -> AsyncGenerator[Said]:
    """Iterate over the messages of a response: one, or those of a stream of events."""
    kind = response.headers.get("content-type", "")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Lost("its answer comes in an encoding that it was not asked for")
    if kind.startswith("text/event-stream"):
        async for data in _events(response):
            yield _message(data)
    elif kind.startswith("application/json"):
        body = b"".join([chunk async for chunk in _bounded(response)])
        yield _message(body)
    else:
        raise NoResponder(f"it answered with the HTTP status {response.status}")


async def _events(response: Response) -> AsyncGenerator[bytes]:
    """Iterate over the data of a stream's events."""
    left, data = b"", list[bytes]()
    async for chunk in _bounded(response):
        *lines, left = (left + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data.clear()


async def _bounded(response: Response) -> AsyncGenerator[bytes]:
    size = 0
    async for chunk in response:
        size += len(chunk)
        if size > MAX_BYTES:
            raise Lost(f"its answer has more than the {MAX_BYTES} bytes that one may have")
        yield chunk


def _message(data: bytes) -> Said:
    try:
        message = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Lost("its answer is no JSON") from error
    if not isinstance(message, dict):
        raise Lost("its answer is no message")
    return cast("Said", message)


async def _lacking(message: Said, peer: Peer) -> None:
    """Raise `CannotAsk` where the server will not begin, because `peer` could not answer what it might ask."""
    match message.get("error"):
        case {"code": int(code), "data": {"requiredCapabilities": {**needed}}} if (
            code == MISSING_REQUIRED_CLIENT_CAPABILITY
        ):
            for method, able in ABLE.items():
                if able in needed and method not in peer.can:
                    await peer.ask(method, {}, "")  # whoever cannot be asked says so, in words of its own
        case _:
            pass


def _result(message: Said) -> Said:
    error = message.get("error")
    if isinstance(error, dict):
        told = cast("Said", error)
        raise refusal(told.get("code"), str(told.get("message")))
    result = message.get("result")
    if not isinstance(result, dict):
        raise Lost("its answer has no result")
    return cast("Said", result)
