"""MCP in both its eras: the only module that knows the `mcp` SDK, which it keeps to translating and to moving bytes.

Until 2025-11-25 a client opens a session; since 2026-07-28 each request stands alone. The SDK tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from anyio import create_memory_object_stream, create_task_group
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    PARSE_ERROR,
    CallToolRequestParams,
    ErrorData,
    JSONRPCError,
    PaginatedRequestParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mads.gateway.calls import Calls, Client
from mads.wire.errors import MadsError

if TYPE_CHECKING:
    from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
    from mcp.server.context import ServerRequestContext
    from starlette.types import Receive, Scope, Send

    from mads.gateway.door import Door
    from mads.gateway.surface import Surface

    Context = ServerRequestContext[Any, Any]

INSTRUCTIONS = """\
The tools of a mads system, one prefix for each of its agents: `scribe_recall` is the tool `recall` of `scribe`.
An error says why it happened and the id of the request."""

SESSIONS = 1000
"""How many sessions of the older era may be open at once; for one more the one goes that was not used longest."""

_NO_MESSAGE = SessionMessage(
    JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=PARSE_ERROR, message="the line is no JSON-RPC message"))
)

_in_json: ContextVar[bool] = ContextVar("mads_answer_in_json", default=False)
"""Whether the request of this task is answered by one JSON body; if not, by events, which can carry progress."""


async def server_of(door: Door) -> Server[Any]:
    """Return an MCP server with the tools of `door`; raise `ConfigError` where clients could not use their names."""
    calls = Calls(door)
    await calls.refresh()

    async def surface() -> Surface:
        try:
            return await calls.refresh()
        except MadsError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error

    async def list_tools(_: Context, __: PaginatedRequestParams) -> dict[str, Any]:
        tools = (await surface()).listing
        return {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"}

    async def call_tool(context: Context, params: CallToolRequestParams) -> dict[str, Any]:
        offer = (await surface()).find(params.name)
        if offer is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name!r:.80}; list the tools to see their names")
        meta = cast("Mapping[str, Any]", context.meta or {})
        tell = context.session.report_progress if "progress_token" in meta else None
        headers: Mapping[str, str] = {} if context.request is None else context.request.headers
        client = Client(meta, headers, context.protocol_version)
        return await calls.call(offer, params.arguments or {}, tell=tell, client=client)

    def input_schema(name: str) -> dict[str, Any] | None:
        """Return a schema that mirrors arguments into headers, which the SDK compares; with any other it loses time."""
        offer = calls.surface.find(name)
        return offer.arguments.schema if offer is not None and offer.mirrors else None

    server: Server[Any] = Server(
        "mads", version=version("mads"), instructions=INSTRUCTIONS, get_tool_input_schema=input_schema
    )
    server.add_request_handler("tools/list", PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", CallToolRequestParams, call_tool)
    # The SDK's own spans go: every call is traced behind the door already.
    server.middleware.clear()
    return server


async def over_stdio(server: Server[Any]) -> None:
    """Serve one client on standard input and output until it closes its end."""
    incoming, understood = create_memory_object_stream[SessionMessage | Exception]()
    async with stdio_server() as (lines, sending), create_task_group() as tasks:

        async def read() -> None:
            async with incoming:
                async for line in lines:
                    await (sending.send(_NO_MESSAGE) if isinstance(line, Exception) else incoming.send(line))

        tasks.start_soon(read)
        await server.run(understood, sending, server.create_initialization_options())


class Endpoint:
    """`/mcp`, both eras on one address."""

    def __init__(self, server: Server[Any]) -> None:
        self._sessions = _Sessions(server, max_sessions=SESSIONS)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the sessions of the older era while inside; enter and leave it in one task."""
        async with self._sessions.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, progress: bool) -> None:
        """Answer one request; with `progress`, its client may have asked to hear of that.

        What a session does outside of its requests happens in the context of the request that opened it, which
        therefore must not be answered in JSON.
        """
        opens_session = _in_older_era(scope) and _header(scope, b"mcp-session-id") is None
        _in_json.set(not progress and not opens_session)
        await self._sessions.handle_request(scope, receive, send)


def _in_older_era(scope: Scope) -> bool:
    return _header(scope, b"mcp-protocol-version") in (None, *HANDSHAKE_PROTOCOL_VERSIONS)


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


class _ByRequest:
    """Stands for a setting that the SDK makes once for all requests, where each makes its own.

    An answer in JSON costs half of one in events, which only progress needs.
    """

    def __get__(self, owner: object, kind: type | None = None) -> bool:
        return _in_json.get()

    def __set__(self, owner: object, value: object) -> None:
        """Leave it to the requests."""


class _Session(StreamableHTTPServerTransport):
    is_json_response_enabled: bool = cast("bool", _ByRequest())


class _Sessions(StreamableHTTPSessionManager):
    json_response: bool = cast("bool", _ByRequest())

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        if len(self._server_instances) >= SESSIONS:
            self._make_room()
        session = super()._admit_session(requestor)
        if session is not None:
            session.__class__ = _Session
        return session

    def _make_room(self) -> None:
        """End the session that has been idle longest; one that answers a request has no deadline."""
        ends = {key: each.idle_scope for key, each in self._server_instances.items() if each.idle_scope is not None}
        key, end = min(ends.items(), key=lambda item: item[1].deadline, default=("", None))
        if end is not None and end.deadline < math.inf:
            end.cancel()
            del self._server_instances[key]
