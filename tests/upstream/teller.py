"""An MCP server that somebody else might have written: started as a command, or at a port, it does as a file says.

    python -m tests.upstream.teller MOOD [PORT]

MOOD is a file of JSON, read anew for each request: the `tools` by name and description, and what is wrong with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, cast

import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.subscriptions import ToolsListChanged
from mcp_types import CallToolRequestParams, PaginatedRequestParams, SubscriptionsListenRequestParams

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}


class Teller:
    """Tells tales about its tools."""

    def __init__(self, mood: Path) -> None:
        self._mood = mood
        self.bus = InMemorySubscriptionBus()

    @property
    def mood(self) -> dict[str, Any]:
        """How it behaves now."""
        return cast("dict[str, Any]", json.loads(self._mood.read_text()))

    async def list_tools(self, _: Any, __: PaginatedRequestParams) -> dict[str, Any]:
        """List what the mood says."""
        mood = self.mood
        if mood.get("mute"):
            await asyncio.Event().wait()
        tools = [
            {"name": name, "description": said, "inputSchema": mood.get("schema", SCHEMA)}
            for name, said in mood["tools"].items()
        ]
        return {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"}

    async def call_tool(self, context: Any, params: CallToolRequestParams) -> dict[str, Any]:
        """Answer with what it was asked, and by whom; or die, or say nothing, or tell of a change."""
        match params.name:
            case "die":
                os._exit(3)
            case "hang":
                await asyncio.Event().wait()
            case "change":
                await context.session.send_tool_list_changed()
                await self.bus.publish(ToolsListChanged())
            case "climb":
                for step in (1, 2, 3):
                    await context.session.report_progress(step, 3, f"step {step}")
            case _:
                pass
        headers: Any = {} if context.request is None else context.request.headers
        shown = headers.get("authorization", "").rpartition("-")[2]  # whoever is told all of it has it
        said = {"asked": params.arguments, "pid": os.getpid(), "shown": shown}
        return {"resultType": "complete", "content": [{"type": "text", "text": json.dumps(said)}]}


def served(mood: Path) -> Server[Any]:
    """Return the server."""
    server: Server[Any] = Server("teller", instructions="It tells tales.")
    teller = Teller(mood)
    server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, ListenHandler(teller.bus))
    server.add_request_handler("tools/list", PaginatedRequestParams, teller.list_tools)
    server.add_request_handler("tools/call", CallToolRequestParams, teller.call_tool)
    return server


async def over_stdio(server: Server[Any]) -> None:
    """Serve whoever started this."""
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


if __name__ == "__main__":
    teller = served(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        app = teller.streamable_http_app(stateless_http=True)
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
    else:
        asyncio.run(over_stdio(teller))
