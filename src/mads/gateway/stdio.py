"""MCP over standard input and output, for hosts that start their servers: the same tools through the same handlers."""

from __future__ import annotations

from mads.gateway.calls import Calls
from mads.gateway.door import Door
from mads.gateway.protocol import over_stdio, server_of


async def bridge(door: Door) -> None:
    """Serve one client until it closes its end; nothing but protocol goes to standard output meanwhile."""
    calls = await Calls.of(door)
    async with calls.running():
        await over_stdio(server_of(calls))
