"""The running system of this project, as a person at the keyboard reaches it: over its socket, through the one path."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mads.bus.port import Bus
from mads.bus.unix import UnixBus, connect
from mads.gateway import names
from mads.guard.principals import OPERATOR
from mads.host.config import find_root
from mads.host.door import BusDoor, tools_of
from mads.host.paths import socket_path
from mads.wire.asking import Speechless
from mads.wire.call import Identity, Progress, Sink
from mads.wire.errors import NoResponder, Unreachable, UsageError
from mads.wire.ids import call_ids
from mads.wire.tools import ToolInfo

T = TypeVar("T")

LONG = 600.0
"""Seconds that the steward has to answer: what it does with the whole record may take a while."""


class Remote:
    """A running system and its `tools`."""

    def __init__(self, bus: Bus, tools: Sequence[ToolInfo]) -> None:
        self.tools = tools
        self._door = BusDoor(bus, self._listed)
        self._new_id = call_ids()

    def find(self, name: str) -> ToolInfo:
        """Return the tool that goes by `name`, in any of its spellings; raise `UsageError` that names the nearest."""
        known = {spelling: tool for tool in self.tools for spelling in names.accepted(tool)}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, 3)
        meant = " or ".join(dict.fromkeys(short(known[spelling]) for spelling in near))
        raise UsageError(
            f"there is no tool {name!r}; " + (f"did you mean {meant}?" if meant else "mads show lists all")
        )

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        sink: Sink | None = None,
        conversation: str | None = None,
        notes: str | None = None,
        patience: float | None = None,
        worth: float | None = None,
    ) -> Any:
        """Call a tool by its canonical name; return its result in the types of JSON. Raises `CallError`."""
        return await self._door.call(
            tool,
            arguments,
            request=self._new_id(),
            identity=Identity(OPERATOR),
            sink=sink or Deaf(),
            conversation=conversation,
            notes=notes,
            patience=patience,
            worth=worth,
        )

    async def steward(self, tool: str, type_: type[T], **arguments: Any) -> T:
        """Ask the control plane; return its answer as `type_`."""
        return msgspec.convert(await self.call(f"mads.steward.{tool}", arguments, patience=LONG), type_)

    async def _listed(self) -> Sequence[ToolInfo]:
        return self.tools


class Deaf(Speechless):
    """A sink for calls of which only the result counts."""

    async def item(self, body: Any) -> None:
        """Let an item go."""

    def progress(self, progress: Progress) -> None:
        """Let a report go."""


@asynccontextmanager
async def connected() -> AsyncGenerator[Remote]:
    """Connect to the system of the nearest `mads.toml`; raise `Unreachable` where none runs, or not yet."""
    root = find_root()
    bus = await reach(root)
    try:
        try:
            tools = await tools_of(bus)
        except NoResponder as error:
            raise Unreachable(f"the system in {root} is starting or stopping; try again in a moment") from error
        yield Remote(bus, tools)
    finally:
        await bus.link.close()


async def reach(root: Path) -> UnixBus:
    """Return the bus of the system that runs in `root`; raise `Unreachable` where none does."""
    try:
        return await connect(socket_path(root))
    except Unreachable as error:
        raise Unreachable(f"no system runs in {root}; start it there with: mads up") from error


def asked(tool: str, type_: type[T], **arguments: Any) -> T:
    """Ask the control plane of the running system; return its answer as `type_`."""

    async def ask() -> T:
        async with connected() as remote:
            return await remote.steward(tool, type_, **arguments)

    return asyncio.run(ask())


def short(tool: ToolInfo) -> str:
    """Return the name by which a person calls `tool`."""
    return f"{tool.mad}.{tool.tool}"
