"""Serves at an address of this machine, in both eras, until it is ended; the first line says where.

    python -m conformance.everything [older]

With `older` it knows nothing of the newer era, as most servers do.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from conformance.everything import library, tools
from conformance.everything.asking import Context, Pending
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

EVERY = 1.0
"""Seconds between two changes of the resource that changes."""


class Everything:
    """What answers each method; `subscribed` are the sessions of the older era that follow the changes."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self.subscribed: dict[str, ServerSession] = {}

    async def tools(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        """List every tool."""
        return ListToolsResult.model_validate({"tools": tools.listed(), "ttlMs": 1000, "cacheScope": "public"})

    async def call(self, context: Context, given: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        """Call a tool; what it raises is its answer."""
        try:
            content = await tools.call(context, given)
        except RuntimeError as error:
            return CallToolResult.model_validate({"content": tools.text(error), "isError": True})
        if isinstance(content, InputRequiredResult):
            return content
        return CallToolResult.model_validate({"content": content})

    async def resources(self, _: Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        """List every resource."""
        return ListResourcesResult.model_validate({"resources": library.RESOURCES, **library.CACHED})

    async def templates(self, _: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        """List every template."""
        return ListResourceTemplatesResult.model_validate({"resourceTemplates": library.TEMPLATES, **library.CACHED})

    async def read(self, _: Context, given: ReadResourceRequestParams) -> ReadResourceResult:
        """Return what stands at an address."""
        found = library.read(str(given.uri))
        return ReadResourceResult.model_validate({"contents": [found], **library.CACHED})

    async def prompts(self, _: Context, __: PaginatedRequestParams | None) -> ListPromptsResult:
        """List every prompt."""
        return ListPromptsResult.model_validate({"prompts": library.PROMPTS, **library.CACHED})

    async def prompt(self, context: Context, given: GetPromptRequestParams) -> GetPromptResult | InputRequiredResult:
        """Return the messages of a prompt."""
        try:
            return GetPromptResult.model_validate({"messages": await library.prompt(context, given)})
        except Pending as pending:
            return pending.result

    async def complete(self, _: Context, given: CompleteRequestParams) -> CompleteResult:
        """Complete the argument of a prompt."""
        values = [known for known in ("paris", "park", "party") if known.startswith(given.argument.value)]
        return CompleteResult.model_validate({"completion": {"values": values, "total": len(values)}})

    async def subscribe(self, context: Context, given: SubscribeRequestParams) -> EmptyResult:
        """Tell of changes from now on."""
        self.subscribed[str(given.uri)] = context.session
        return EmptyResult()

    async def unsubscribe(self, _: Context, given: UnsubscribeRequestParams) -> EmptyResult:
        """Tell of changes no more."""
        self.subscribed.pop(str(given.uri), None)
        return EmptyResult()

    async def level(self, _: Context, __: SetLevelRequestParams) -> EmptyResult:
        """Take note of nothing: each client hears all of the log."""
        return EmptyResult()

    async def change(self) -> None:
        """Say again and again that a resource has changed."""
        while True:
            await asyncio.sleep(EVERY)
            await self.bus.publish(ResourceUpdated(uri=library.WATCHED))
            if (session := self.subscribed.get(library.WATCHED)) is not None:
                await session.send_resource_updated(library.WATCHED)

    @asynccontextmanager
    async def living(self, _: Any) -> AsyncGenerator[dict[str, Any]]:
        """Change things for as long as the server runs."""
        changing = asyncio.create_task(self.change())
        try:
            yield {}
        finally:
            changing.cancel()


def server() -> Server[Any]:
    """Return the server."""
    it = Everything()
    made: Server[Any] = Server(
        "everything",
        version="1",
        lifespan=it.living,
        get_tool_input_schema=tools.schema,
        on_list_tools=it.tools,
        on_call_tool=it.call,
        on_list_resources=it.resources,
        on_list_resource_templates=it.templates,
        on_read_resource=it.read,
        on_subscribe_resource=it.subscribe,
        on_unsubscribe_resource=it.unsubscribe,
        on_subscriptions_listen=ListenHandler(it.bus),
        on_list_prompts=it.prompts,
        on_get_prompt=it.prompt,
        on_completion=it.complete,
    )
    made.add_request_handler("logging/setLevel", SetLevelRequestParams, it.level)
    made.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience="everything"))
    return made


def older(app: ASGIApp) -> ASGIApp:
    """Return `app` as it was before the newer era."""

    async def without(scope: Scope, receive: Receive, send: Send) -> None:
        said = Headers(scope=scope).get(MCP_PROTOCOL_VERSION_HEADER) if scope["type"] == "http" else None
        if said in MODERN_PROTOCOL_VERSIONS:
            await PlainTextResponse("Unsupported protocol version", 400)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return without


def main() -> None:
    """Serve on a free port."""
    app: ASGIApp = server().streamable_http_app()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
        config = uvicorn.Config(older(app) if sys.argv[1:] == ["older"] else app, log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
