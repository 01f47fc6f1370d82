"""How each era hears of changes: on the stream of a session in the older, by `subscriptions/listen` in the newer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types import INVALID_PARAMS, NotificationParams, SubscribeRequestParams, SubscriptionsListenRequestParams

from mads.gateway.calls import Calls, Missing
from mads.gateway.changes import Change
from mads.gateway.protocol.reach import connection_of, grant_of

if TYPE_CHECKING:
    from mcp.server.connection import Connection
    from mcp.server.context import ServerRequestContext

    Context = ServerRequestContext[Any, Any]

WATCHED = 1000
"""To how many resources one session may subscribe."""

HEARER = "mads.hearer"
"""The key of a session's state that holds who hears of changes for it."""

NOT_FOUND = -32002
"""The JSON-RPC error of a resource that is not there, until 2025-11-25."""


class News:
    """Tells clients what changes in what `calls` shows."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._listen = ListenHandler(_Source(calls))

    async def listen(self, context: Context, params: SubscriptionsListenRequestParams) -> Any:
        """Serve one stream of the newer era: what its client asked for, and may read."""
        wanted = params.notifications
        readable = [uri for uri in wanted.resource_subscriptions or () if self._shows(context, uri)]
        said = wanted.model_copy(update={"resource_subscriptions": readable})
        return await self._listen(context, params.model_copy(update={"notifications": said}))

    async def begin(self, context: Context, _: NotificationParams) -> None:
        """Tell a session of the older era, which has begun, of every list that changes."""
        self._hearer(context)

    async def subscribe(self, context: Context, params: SubscribeRequestParams) -> dict[str, Any]:
        """Tell a session of what changes at an address."""
        uri, hearer = str(params.uri), self._hearer(context)
        if not self._shows(context, uri):
            raise MCPError(NOT_FOUND, str(Missing(uri)), {"uri": uri})
        if len(hearer.watched) >= WATCHED:
            raise MCPError(INVALID_PARAMS, f"a session may subscribe to {WATCHED} resources; unsubscribe from one")
        hearer.watched.add(uri)
        return {}

    async def unsubscribe(self, context: Context, params: SubscribeRequestParams) -> dict[str, Any]:
        """Tell a session no more of what changes at an address."""
        self._hearer(context).watched.discard(str(params.uri))
        return {}

    def _shows(self, context: Context, uri: str) -> bool:
        return self._calls.readable(uri, grant_of(context).identity)

    def _hearer(self, context: Context) -> _Hearer:
        connection = connection_of(context)
        hearer: _Hearer | None = connection.state.get(HEARER)
        if hearer is None:
            hearer = connection.state[HEARER] = _Hearer(connection)
            connection.exit_stack.callback(self._calls.changes.listen(hearer.hear))
            connection.exit_stack.callback(hearer.close)
        return hearer


class _Hearer:
    """Tells one session of the older era; a change that is not read yet stands for all like it."""

    def __init__(self, connection: Connection) -> None:
        self.watched: set[str] = set()
        self._connection = connection
        self._news: dict[Change, None] = {}
        self._telling: asyncio.Task[None] | None = None

    def hear(self, change: Change) -> None:
        """Tell of a change soon, if that is wanted."""
        if change.what == "resource" and change.uri not in self.watched:
            return
        self._news[change] = None
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    def close(self) -> None:
        """Tell no more."""
        if self._telling is not None:
            self._telling.cancel()

    async def _tell(self) -> None:
        while self._news:
            change = next(iter(self._news))
            del self._news[change]
            match change.what:
                case "tools":
                    await self._connection.send_tool_list_changed()
                case "prompts":
                    await self._connection.send_prompt_list_changed()
                case "resources":
                    await self._connection.send_resource_list_changed()
                case "resource":
                    await self._connection.send_resource_updated(change.uri)


class _Source:
    """The changes as the SDK's streams read them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def publish(self, event: ServerEvent) -> None:
        """Refuse: changes come from behind the door."""
        raise NotImplementedError(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Let a stream hear of changes."""
        return self._calls.changes.listen(lambda change: listener(_event(change)))


def _event(change: Change) -> ServerEvent:
    match change.what:
        case "tools":
            return ToolsListChanged()
        case "prompts":
            return PromptsListChanged()
        case "resources":
            return ResourcesListChanged()
        case "resource":
            return ResourceUpdated(change.uri)
