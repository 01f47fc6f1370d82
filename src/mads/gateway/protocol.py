"""MCP in both its eras: the only module that knows the `mcp` SDK, which it keeps to translating and to moving bytes.

Until 2025-11-25 a client opens a session; since 2026-07-28 each request stands alone. The SDK tells them apart.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from anyio import create_memory_object_stream, create_task_group, move_on_after
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
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
    JSONRPCRequest,
    JSONRPCResponse,
    PaginatedRequestParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mads.gateway.calls import Calls, Client
from mads.gateway.signin import NOBODY
from mads.guard.credential import Grant
from mads.wire.call import Identity
from mads.wire.errors import MadsError
from mads.wire.tools import ToolInfo

if TYPE_CHECKING:
    from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
    from mcp.server.context import ServerRequestContext
    from starlette.types import Receive, Scope, Send

    from mads.gateway.surface import Surface

    Context = ServerRequestContext[Any, Any]

INSTRUCTIONS = """\
The tools of a mads system, one prefix for each of its agents: `scribe_recall` is the tool `recall` of `scribe`.
An error says why it happened and the id of the request."""

SESSIONS = 1000
"""How many sessions of the older era may be open at once; for one more the one goes that was not used longest."""

ANSWER_WITHIN = 1.0
"""The seconds for which a client over stdio is answered that has closed its end."""

_GRANT = "mads.grant"
"""The key of a request's scope that says who sent it."""

_NO_MESSAGE = SessionMessage(
    JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=PARSE_ERROR, message="the line is no JSON-RPC message"))
)

_in_json: ContextVar[bool] = ContextVar("mads_answer_in_json", default=False)
"""Whether the request of this task is answered by one JSON body; if not, by events, which can carry progress."""


def server_of(calls: Calls) -> Server[Any]:
    """Return an MCP server with the tools that `calls` has."""

    async def surface() -> Surface:
        try:
            return await calls.refresh()
        except MadsError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error

    async def list_tools(context: Context, _: PaginatedRequestParams) -> dict[str, Any]:
        tools = (await surface()).listing(_identity(context))
        return {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"}

    async def call_tool(context: Context, params: CallToolRequestParams) -> dict[str, Any]:
        offer = (await surface()).find(params.name)
        if offer is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name!r:.80}; list the tools to see their names")
        meta = cast("Mapping[str, Any]", context.meta or {})
        tell = context.session.report_progress if "progress_token" in meta else None
        headers: Mapping[str, str] = {} if context.request is None else context.request.headers
        client = Client(_identity(context), meta, headers, context.protocol_version)
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


def _identity(context: Context) -> Identity:
    """Return who sent a request, as it was found out at the door; over stdio nobody signs in."""
    grant: Grant = NOBODY if context.request is None else context.request.scope[_GRANT]
    return grant.identity


async def over_stdio(server: Server[Any]) -> None:
    """Serve one client on standard input and output until it closes its end.

    What it asked for before that is answered, if that is soon; at the end of its input the SDK would drop it.
    """
    incoming, understood = create_memory_object_stream[SessionMessage | Exception]()
    answering, answers = create_memory_object_stream[SessionMessage]()
    open_, changed = set[Any](), asyncio.Event()
    async with stdio_server() as (lines, sending), create_task_group() as tasks:

        async def read() -> None:
            async with incoming:
                async for line in lines:
                    open_.update(_asked(line))
                    await (sending.send(_NO_MESSAGE) if isinstance(line, Exception) else incoming.send(line))
                with move_on_after(ANSWER_WITHIN):
                    while open_:
                        changed.clear()
                        await changed.wait()

        async def write() -> None:
            async with sending:
                async for answer in answers:
                    await sending.send(answer)
                    open_.difference_update(_answered(answer))
                    changed.set()

        tasks.start_soon(read)
        tasks.start_soon(write)
        await server.run(understood, answering, server.create_initialization_options())


def _asked(message: SessionMessage | Exception) -> list[Any]:
    """Return the id of a request, if it is one."""
    said = message.message if isinstance(message, SessionMessage) else None
    return [said.id] if isinstance(said, JSONRPCRequest) else []


def _answered(message: SessionMessage) -> list[Any]:
    """Return the id of an answer, if it is one."""
    said = message.message
    return [said.id] if isinstance(said, JSONRPCResponse | JSONRPCError) else []


class Endpoint:
    """`/mcp`, both eras on one address."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._sessions = _Sessions(server_of(calls), max_sessions=SESSIONS)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the sessions of the older era while inside; enter and leave it in one task."""
        async with self._sessions.run():
            yield

    def tool(self, name: Any) -> ToolInfo | None:
        """Return the tool that a client means by `name`; None where it means none."""
        offer = self._calls.surface.find(name) if isinstance(name, str) else None
        return None if offer is None else offer.tool

    def end_sessions(self, owner: str) -> None:
        """End the sessions of the older era that were opened by a credential of `owner`."""
        self._sessions.end(owner)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, grant: Grant, progress: bool) -> None:
        """Answer one request of whom `grant` is for; with `progress`, its client may have asked to hear of that.

        What a session does outside of its requests happens in the context of the request that opened it, which
        therefore must not be answered in JSON.
        """
        scope[_GRANT] = grant
        older = _in_older_era(scope)
        if older and grant is not NOBODY:  # the SDK then lets nobody else use the session
            scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=grant.owner, scopes=[]))
        opens_session = older and _header(scope, b"mcp-session-id") is None
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

    def end(self, owner: str) -> None:
        """End the sessions of `owner`, and what is being answered in them."""
        for key in [key for key, each in self._session_owners.items() if each["client_id"] == owner]:
            session = self._server_instances.pop(key, None)
            if session is not None and session.idle_scope is not None:
                session.idle_scope.cancel()

    def _make_room(self) -> None:
        """End the session that has been idle longest; one that answers a request has no deadline."""
        ends = {key: each.idle_scope for key, each in self._server_instances.items() if each.idle_scope is not None}
        key, end = min(ends.items(), key=lambda item: item[1].deadline, default=("", None))
        if end is not None and end.deadline < math.inf:
            end.cancel()
            del self._server_instances[key]
