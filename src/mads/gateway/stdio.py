"""MCP over standard input and output, for hosts that start their servers: the same tools through the same handlers."""

from __future__ import annotations

from mads.gateway.calls import Calls
from mads.gateway.door import Door
from mads.gateway.protocol import Sessions, over_stdio, server_of
from mads.gateway.surface import Shows


async def bridge(door: Door, shows: Shows) -> None:
    """Serve one client until it closes its end; nothing but protocol goes to standard output meanwhile."""
    calls = await Calls.of(door, shows=shows)
    async with calls.running():
        await over_stdio(server_of(calls, Sessions()))
