"""`mads mcp`: the running system, to an MCP client that starts its servers itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import click

from mads.bus.unix import UnixBus
from mads.cli.remote import reach
from mads.cli.terminal import json_option
from mads.gateway.stdio import bridge
from mads.guard.principals import ANONYMOUS
from mads.host.config import find_root
from mads.host.door import RIGHTS, BusDoor, missing_of, tools_of
from mads.wire.call import Identity
from mads.wire.errors import CallError, NoResponder, Unreachable
from mads.wire.tools import ToolInfo

FRESH = 1.0
"""Seconds for which what is missing is not asked for again."""


@click.command()
@json_option
def mcp(*, as_json: bool) -> None:
    """Bridge an MCP client on standard input and output to the running system of the nearest mads.toml.

    The client is the anonymous developer. A system that is restarted is found again.
    """
    del as_json  # what goes to standard output is the protocol's
    asyncio.run(_mcp(find_root()))


async def _mcp(root: Path) -> None:
    door = LastingDoor(root)
    try:
        await door.open()
        await bridge(door, door.shows)
    finally:
        await door.close()


class LastingDoor:
    """The door of the system in `root`, opened anew where that was restarted."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opening = asyncio.Lock()
        self._bus: UnixBus | None = None
        self._gone: asyncio.Task[str] | None = None
        self._tools: Sequence[ToolInfo] = ()
        self._shown: frozenset[str] = frozenset()
        self._watching = AsyncExitStack()
        self._hear: Callable[[str], None] = lambda _: None
        self._missing: Mapping[str, str] = {}
        self._asked = -FRESH

    @asynccontextmanager
    async def watched(self, hear: Callable[[str], None]) -> AsyncGenerator[None]:
        """Let `hear` hear of changes while inside."""
        self._hear = hear
        yield

    def _heard(self, uri: str) -> None:
        if uri in ("", RIGHTS):
            self._tools = ()
        self._hear(uri)

    async def open(self) -> UnixBus:
        """Return the bus of the system, connected; raise `Unreachable` where it does not run."""
        async with self._opening:
            if self._bus is None or self._gone is None or self._gone.done():
                self._bus = await reach(self._root)
                self._gone = asyncio.create_task(self._bus.link.ended())
                await self._watching.aclose()
                await self._watching.enter_async_context(BusDoor(self._bus, self.tools).watched(self._heard))
                self._tools = ()
            if not self._tools:
                self._tools = await tools_of(self._bus)
                self._shown = frozenset(tool.name for tool in await tools_of(self._bus, ANONYMOUS))
            return self._bus

    async def close(self) -> None:
        """Hang up."""
        if self._bus is not None:
            await self._bus.link.close()

    async def tools(self) -> Sequence[ToolInfo]:
        """Return every tool of every MAD, as it was while the system last ran."""
        with suppress(Unreachable, CallError):
            bus = await self.open()
            if time.monotonic() - self._asked > FRESH:
                self._asked = time.monotonic()
                self._missing = await missing_of(bus)
        return self._tools

    def missing(self) -> Mapping[str, str]:
        """Return for each MAD whose offers are not all there why that is."""
        return self._missing

    def shows(self, _: Identity, tool: ToolInfo) -> bool:
        """Return whether the anonymous developer may call `tool`."""
        return tool.name in self._shown

    async def call(self, tool: str, arguments: dict[str, Any], **how: Any) -> Any:
        """Call a tool, as any door; raise `NoResponder` where no system runs."""
        try:
            bus = await self.open()
        except Unreachable as error:
            raise NoResponder(str(error), request=how["request"]) from error
        return await BusDoor(bus, self.tools).call(tool, arguments, **how)
