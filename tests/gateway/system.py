"""A real system behind a real gateway, and the official client before it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from mads.gateway.server import Running, serve
from mads.host.door import BusDoor
from mads.testing.placed import Placed, placed
from mads.wire.tools import ToolInfo

ROOT = str(Path(__file__).parents[2])


@asynccontextmanager
async def gated(
    root: Path, run: str = "here", *, path: Sequence[str] = (ROOT,), **mads: Any
) -> AsyncGenerator[tuple[Placed, Running]]:
    """Run the system of `mads`, and its gateway on a free port."""
    async with placed(root, run, path=path, **mads) as system:

        async def tools() -> Sequence[ToolInfo]:
            return system.system.tools()

        running = await serve(BusDoor(system.bus, tools), port=0)
        try:
            yield system, running
        finally:
            await running.close()


@asynccontextmanager
async def visited(root: Path, era: str, run: str = "here", **mads: Any) -> AsyncGenerator[Client]:
    """Run the system of `mads` and connect the SDK's own client, which speaks one era."""
    async with gated(root, run, **mads) as (_, running), connected(running, era) as client:
        yield client


@asynccontextmanager
async def connected(running: Running, era: str, **options: Any) -> AsyncGenerator[Client]:
    """Connect the SDK's own client."""
    async with Client(running.address, mode=era, read_timeout_seconds=10, **options) as client:
        yield client
