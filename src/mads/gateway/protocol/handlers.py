"""The methods of MCP, each translated into a call through the door and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CompleteRequestParams,
    GetPromptRequestParams,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mads.gateway.calls import Calls, Client, Missing, Refusal
from mads.gateway.progress import Tell
from mads.gateway.signin import NOBODY
from mads.guard.credential import Grant
from mads.wire.call import Identity
from mads.wire.errors import MadsError

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from mads.gateway.surface import Surface

    Context = ServerRequestContext[Any, Any]

INSTRUCTIONS = """\
The tools of a mads system, one prefix for each of its agents: `scribe_recall` is the tool `recall` of `scribe`.
An error says why it happened and the id of the request."""

GRANT = "mads.grant"
"""The key of a request's scope that says who sent it."""

REFUSED = -32000
"""The JSON-RPC error of something that cannot be had, where the arguments are not to blame."""

NOT_FOUND = -32002
"""The JSON-RPC error of a resource that is not there, until 2025-11-25."""

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
"""The lists by the method that asks for them, and how each is called in its result."""


def server_of(calls: Calls) -> Server[Any]:
    """Return an MCP server with what `calls` has."""

    def input_schema(name: str) -> dict[str, Any] | None:
        """Return a schema that mirrors arguments into headers, which the SDK compares; with any other it loses time."""
        offer = calls.surface.find(name)
        return offer.arguments.schema if offer is not None and offer.mirrors else None

    server: Server[Any] = Server(
        "mads", version=version("mads"), instructions=INSTRUCTIONS, get_tool_input_schema=input_schema
    )
    handlers = _Handlers(calls)
    for method, kind in LISTS.items():
        server.add_request_handler(method, PaginatedRequestParams, handlers.listing(kind))
    server.add_request_handler("tools/call", CallToolRequestParams, handlers.call_tool)
    server.add_request_handler("resources/read", ReadResourceRequestParams, handlers.read_resource)
    server.add_request_handler("prompts/get", GetPromptRequestParams, handlers.get_prompt)
    server.add_request_handler("completion/complete", CompleteRequestParams, handlers.complete)
    # The SDK's own spans go: every call is traced behind the door already.
    server.middleware.clear()
    return server


class _Handlers:
    """What answers each method; whatever goes wrong is raised as the protocol's error."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def listing(self, kind: str) -> Callable[[Context, PaginatedRequestParams], Awaitable[dict[str, Any]]]:
        """Return what answers with a list."""

        async def listed(context: Context, _: PaginatedRequestParams) -> dict[str, Any]:
            await self._surface()
            things = self._calls.listing(kind, _identity(context))
            return {"resultType": "complete", kind: things, "ttlMs": 0, "cacheScope": "private"}

        return listed

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> dict[str, Any]:
        """Call a tool."""
        offer = (await self._surface()).find(params.name)
        if offer is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name!r:.80}; list the tools to see their names")
        return await self._calls.call(offer, params.arguments or {}, tell=_tell(context), client=_client(context))

    async def read_resource(self, context: Context, params: ReadResourceRequestParams) -> dict[str, Any]:
        """Read a resource."""
        await self._surface()
        try:
            return await self._calls.read(str(params.uri), tell=_tell(context), client=_client(context))
        except Missing as error:
            older = context.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS
            code = NOT_FOUND if older else INVALID_PARAMS
            raise MCPError(code, str(error), {"uri": str(params.uri)}) from error
        except Refusal as error:
            raise _refused(error) from error

    async def get_prompt(self, context: Context, params: GetPromptRequestParams) -> dict[str, Any]:
        """Return a prompt's messages."""
        offer = (await self._surface()).prompt(params.name)
        if offer is None:
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {params.name!r:.80}; list the prompts to see their names")
        try:
            return await self._calls.prompt(offer, params.arguments or {}, tell=_tell(context), client=_client(context))
        except Refusal as error:
            raise _refused(error) from error

    async def complete(self, context: Context, params: CompleteRequestParams) -> dict[str, Any]:
        """Complete an argument."""
        surface, ref = await self._surface(), params.ref
        offer = surface.prompt(ref.name) if isinstance(ref, PromptReference) else surface.template(ref.uri)
        if offer is None:
            what = f"prompt: {ref.name!r:.80}" if isinstance(ref, PromptReference) else f"resource: {ref.uri!r:.200}"
            raise MCPError(INVALID_PARAMS, f"Unknown {what}; list them to see what there is")
        known = (params.context.arguments if params.context else None) or {}
        try:
            return await self._calls.complete(
                offer, params.argument.name, params.argument.value, known, client=_client(context)
            )
        except Refusal as error:
            raise _refused(error) from error

    async def _surface(self) -> Surface:
        try:
            return await self._calls.refresh()
        except MadsError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error


def _client(context: Context) -> Client:
    meta = cast("Mapping[str, Any]", context.meta or {})
    headers: Mapping[str, str] = {} if context.request is None else context.request.headers
    return Client(_identity(context), meta, headers, context.protocol_version)


def _tell(context: Context) -> Tell | None:
    """Return how the client wants to hear of progress, if it does."""
    return context.session.report_progress if "progress_token" in (context.meta or {}) else None


def _refused(error: Refusal) -> MCPError:
    return MCPError(INVALID_PARAMS if error.code in ("invalid", "rejected") else REFUSED, str(error), error.data)


def _identity(context: Context) -> Identity:
    """Return who sent a request, as it was found out at the door; over stdio nobody signs in."""
    grant: Grant = NOBODY if context.request is None else context.request.scope[GRANT]
    return grant.identity
