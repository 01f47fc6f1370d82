"""The control plane is a MAD too: what runs and how it fares, what was given up, what is on record, who may come in."""

from __future__ import annotations

from typing import Any

from mads import Sensitive, mad, tool
from mads.author.archive import Capture, Conversations
from mads.author.system import System
from mads.duos.steward.archive import Archive
from mads.duos.steward.canaries import Canaries
from mads.duos.steward.dead import Dead
from mads.duos.steward.entry import Entry
from mads.duos.steward.flags import Flags
from mads.duos.steward.servers import Servers
from mads.duos.steward.spending import Spending
from mads.duos.steward.told import told
from mads.wire.settings import Setting
from mads.wire.status import EventInfo, LimitInfo, Reloaded, Shown, Status
from mads.wire.tools import ToolInfo
from mads.wire.trace import TraceLine, Tree


@mad
class Steward(Spending, Flags, Canaries, Dead, Servers, Entry, Archive):
    """You are the steward: you know what runs here, how it fares, and what each MAD offers."""

    system: System
    conversations: Conversations
    capture: Capture

    @tool(read_only=True)
    async def ps(self) -> list[Status]:
        """Return every MAD: where it runs, in which process, how it fares."""
        return list(await self.system.status())

    @tool(read_only=True)
    async def show(self, mad: str) -> Shown:
        """Return who a MAD is: its role, what fills its needs, what it hears and offers."""
        return self.system.shown(mad)

    @tool(read_only=True)
    async def tools(self) -> list[ToolInfo]:
        """Return every tool that its caller may call, with its JSON Schema."""
        return list(self.system.tools())

    @tool(read_only=True)
    async def events(self) -> list[EventInfo]:
        """Return every event with its versioned name, its JSON Schema and who hears it."""
        return list(self.system.events())

    @tool(destructive=True)
    async def set_settings(self, changes: dict[str, str] | None = None) -> list[Setting]:
        """Make changes in `mads.toml`, a value by its key ("" for none); take up what it says, return what is new."""
        return list(await self.system.settings.take(changes or {}))

    @tool(read_only=True)
    async def layers(self) -> list[str]:
        """Return the layers that every call passes at its callee, outermost first."""
        return list(self.system.layers())

    @tool(read_only=True)
    async def limits(self) -> list[LimitInfo]:
        """Return every limit on what may be asked for, and what is used of it just now."""
        return list(await self.system.limits())

    @tool(read_only=True)
    async def trace(self, id: str) -> Sensitive[Tree]:  # noqa: A002  the word that its callers write
        """Return all that was done on behalf of a request, by the id of its trace, of a call or of a conversation."""
        return await self.system.traces.tree(id)

    @tool(read_only=True)
    async def traces(self, limit: int = 20, *, failed: bool = False, control: bool = False) -> list[TraceLine]:
        """Return the traces that ended last, latest first: only those that failed; idle timers and my own as well."""
        return list(await self.system.traces.last(limit=max(1, min(limit, 1000)), failed=failed, control=control))

    @tool
    async def emit(self, event: str, body: dict[str, Any]) -> int:
        """Publish an event by its name and its fields; return how many MADs hear it."""
        return await self.system.emit(event, body)

    @tool(destructive=True)
    async def restart(self, mad: str) -> None:
        """Start a MAD anew, whatever has become of it; where it runs, a new one takes over and no call is lost."""
        with told():
            await self.system.restart(mad)

    @tool(destructive=True)
    async def reload(self, mad: str) -> Reloaded:
        """Start a MAD with its code as it now stands on disk; no call is lost, and the old one stays where it fails."""
        with told():
            return await self.system.reload(mad)
