"""What changes at an MCP server, for as long as it tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from mcp import Client, MCPError
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import EmptyResult, SubscribeRequest, SubscribeRequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

Changed = Callable[[str], Awaitable[None]]
"""Hears that a list has changed ("tools", "prompts", "resources"), or what stands at an address."""

WATCHED = 200
"""How many resources of one server are followed."""


class Changes:
    """Tells `changed` of the lists, and of what stands at the addresses that are followed, the first `WATCHED`."""

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._uris: list[str] = []
        self._anew = asyncio.Event()

    async def listen(self, client: Client) -> None:
        """In the newer era, hear of changes for as long as the server tells of them."""
        with suppress(MCPError, SubscriptionLost, ListenNotSupportedError, TimeoutError):
            while True:
                self._anew.clear()
                hearing, anew = asyncio.create_task(self._hear(client)), asyncio.create_task(self._anew.wait())
                try:
                    await asyncio.wait((hearing, anew), return_when=asyncio.FIRST_COMPLETED)
                    if hearing.done():
                        return hearing.result()
                finally:
                    hearing.cancel()
                    anew.cancel()
                    await asyncio.gather(hearing, anew, return_exceptions=True)

    async def _hear(self, client: Client) -> None:
        """Pass on each change, of the lists and of what is followed."""
        everything = {"tools_list_changed": True, "prompts_list_changed": True, "resources_list_changed": True}
        async with client.listen(**everything, resource_subscriptions=self._uris) as events:
            async for event in events:
                listed = type(event).__name__.removesuffix("ListChanged").lower()
                await self._changed(event.uri if isinstance(event, ResourceUpdated) else listed)

    async def follow(self, client: Client, uris: list[str]) -> None:
        """Hear of changes of what stands at `uris`, and of nothing else."""
        before, self._uris = self._uris, uris[:WATCHED]
        if modern(client) and before != self._uris:
            self._anew.set()
        elif not modern(client):
            with suppress(MCPError, TimeoutError):
                for uri in self._uris:
                    if uri not in before:
                        asked = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
                        await client.session.send_request(asked, EmptyResult)

    async def heard(self, message: Any) -> None:
        """Pass on a notification of the older era."""
        match getattr(message, "method", ""):
            case "notifications/resources/updated":
                await self._changed(str(message.params.uri))
            case method if method.endswith("/list_changed"):
                await self._changed(method.split("/")[1])
            case _:
                pass


def modern(client: Client) -> bool:
    """Return whether the server speaks the era in which each request stands alone."""
    return client.protocol_version in MODERN_PROTOCOL_VERSIONS
