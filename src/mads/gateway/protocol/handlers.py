"""The methods of MCP, each translated into a call through the door and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolRequestParams,
    CancelledNotificationParams,
    CompleteRequestParams,
    GetPromptRequestParams,
    InputResponseRequestParams,
    NotificationParams,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
    SetLevelRequestParams,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mads.gateway.calls import Calls, Client, Lacking, Missing, Refusal
from mads.gateway.pages import NoCursor
from mads.gateway.protocol.news import NOT_FOUND, News
from mads.gateway.protocol.reach import CAPABILITIES, LEVEL, connection_of, grant_of, reach_of, sealing
from mads.gateway.protocol.sessions import Sessions
from mads.gateway.rounds import Gone
from mads.gateway.search import inner
from mads.wire.asking import Asks
from mads.wire.errors import MadsError

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from mads.gateway.surface import Surface

    Context = ServerRequestContext[Any, Any]

INSTRUCTIONS = """\
The tools of a mads system, one prefix for each of its agents: `scribe_recall` is the tool `recall` of `scribe`.
An error says why it happened and the id of the request."""

MISSING = "mads/missing"
"""The key of a list's `_meta` that says which MADs are not all in it, and why."""

REFUSED = -32000
"""The JSON-RPC error of something that cannot be had, where the arguments are not to blame."""

FRESH = 5000
"""The milliseconds for which a client may keep a list; one that listens for changes is told of those at once."""

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
"""The lists by the method that asks for them, and how each is called in its result."""


def server_of(calls: Calls, sessions: Sessions) -> Server[Any]:
    """Return an MCP server with what `calls` has, which knows its sessions of the older era."""

    def input_schema(name: str) -> dict[str, Any] | None:
        """Return a schema that mirrors arguments into headers, which the SDK compares; with any other it loses time."""
        offer = calls.surface.find(name)
        return offer.arguments.schema if offer is not None and offer.mirrors else None

    server: Server[Any] = _Server(
        "mads", version=version("mads"), instructions=INSTRUCTIONS, get_tool_input_schema=input_schema
    )
    handlers = _Handlers(calls)
    for method, kind in LISTS.items():
        server.add_request_handler(method, PaginatedRequestParams, handlers.listing(kind))
    server.add_request_handler("tools/call", CallToolRequestParams, handlers.call_tool)
    server.add_request_handler("resources/read", ReadResourceRequestParams, handlers.read_resource)
    server.add_request_handler("prompts/get", GetPromptRequestParams, handlers.get_prompt)
    server.add_request_handler("completion/complete", CompleteRequestParams, handlers.complete)
    server.add_request_handler("logging/setLevel", SetLevelRequestParams, handlers.set_level)
    news = News(calls)
    server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, news.listen)
    server.add_request_handler("resources/subscribe", SubscribeRequestParams, news.subscribe)
    server.add_request_handler("resources/unsubscribe", SubscribeRequestParams, news.unsubscribe)
    server.add_notification_handler("notifications/initialized", NotificationParams, news.begin)
    server.add_notification_handler("notifications/cancelled", CancelledNotificationParams, sessions.cancelled)
    # The SDK's own spans go: every call is traced behind the door already.
    server.middleware[:] = [sealing(calls.view.path), sessions.observe]
    return server


class _Server(Server[Any]):
    """A server that says of itself that it tells of changes."""

    def create_initialization_options(self, *_: Any, **__: Any) -> InitializationOptions:
        """Return what a session of the older era is told first."""
        told = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        return super().create_initialization_options(told)


class _Handlers:
    """What answers each method; whatever goes wrong is raised as the protocol's error."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def listing(self, kind: str) -> Callable[[Context, PaginatedRequestParams], Awaitable[dict[str, Any]]]:
        """Return what answers with a list."""

        async def listed(context: Context, params: PaginatedRequestParams) -> dict[str, Any]:
            await self._surface()
            try:
                things, following = self._calls.listing(kind, grant_of(context).identity, params.cursor)
            except NoCursor as error:
                raise MCPError(INVALID_PARAMS, "the cursor is none of this list; list it from its start") from error
            told: dict[str, Any] = {"resultType": "complete", kind: things, "ttlMs": FRESH, "cacheScope": "private"}
            if missing := self._calls.missing():
                told["_meta"] = {MISSING: missing}
            return told if following is None else {**told, "nextCursor": following}

        return listed

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> dict[str, Any]:
        """Call a tool."""
        surface, name, arguments = await self._surface(), params.name, params.arguments or {}
        if surface.search is not None:
            told = self._calls.meta(name, arguments, grant_of(context).identity)
            if told is not None:
                return told
            name, arguments = inner(name, arguments)
        offer = surface.find(str(name))
        if offer is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {name!r:.80}; list the tools to see their names")
        with errors(context.protocol_version):
            return await self._calls.call(offer, arguments, _client(context, params))

    async def read_resource(self, context: Context, params: ReadResourceRequestParams) -> dict[str, Any]:
        """Read a resource."""
        await self._surface()
        with errors(context.protocol_version):
            return await self._calls.read(str(params.uri), _client(context, params))

    async def get_prompt(self, context: Context, params: GetPromptRequestParams) -> dict[str, Any]:
        """Return a prompt's messages."""
        offer = (await self._surface()).prompt(params.name)
        if offer is None:
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {params.name!r:.80}; list the prompts to see their names")
        with errors(context.protocol_version):
            return await self._calls.prompt(offer, params.arguments or {}, _client(context, params))

    async def complete(self, context: Context, params: CompleteRequestParams) -> dict[str, Any]:
        """Complete an argument."""
        surface, ref = await self._surface(), params.ref
        offer = surface.prompt(ref.name) if isinstance(ref, PromptReference) else surface.template(ref.uri)
        if offer is None:
            what = f"prompt: {ref.name!r:.80}" if isinstance(ref, PromptReference) else f"resource: {ref.uri!r:.200}"
            raise MCPError(INVALID_PARAMS, f"Unknown {what}; list them to see what there is")
        known = (params.context.arguments if params.context else None) or {}
        said = params.argument
        with errors(context.protocol_version):
            return await self._calls.complete(offer, said.name, said.value, known, _client(context))

    async def set_level(self, context: Context, params: SetLevelRequestParams) -> dict[str, Any]:
        """Remember from which level on a session wants to read the log."""
        connection_of(context).state[LEVEL] = params.level
        return {}

    async def _surface(self) -> Surface:
        try:
            return await self._calls.refresh()
        except MadsError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error


def _client(context: Context, params: InputResponseRequestParams | None = None) -> Client:
    meta = cast("Mapping[str, Any]", context.meta or {})
    headers: Mapping[str, str] = {} if context.request is None else context.request.headers
    identity, reach = grant_of(context).identity, reach_of(context, params)
    return Client(identity, meta, headers, context.protocol_version, reach)


@contextmanager
def errors(protocol: str) -> Generator[None]:
    """Raise what went wrong as the error of that version of the protocol."""
    try:
        yield
    except Missing as error:
        older = protocol in HANDSHAKE_PROTOCOL_VERSIONS
        raise MCPError(NOT_FOUND if older else INVALID_PARAMS, str(error), {"uri": error.uri}) from error
    except Refusal as error:
        code = INVALID_PARAMS if error.code in ("invalid", "rejected") else REFUSED
        raise MCPError(code, str(error), error.data) from error
    except Lacking as error:
        needed: dict[str, Any] = {"requiredCapabilities": {CAPABILITIES[cast("Asks", error.method)]: {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, str(error), needed) from error
    except Gone as error:
        why = "the round is over, or its call has ended; call again, without requestState"
        raise MCPError(INVALID_PARAMS, why, {"reason": "invalid_request_state"}) from error
