"""What the steward knows of second versions."""

from __future__ import annotations

from typing import Literal

from mads import tool
from mads.author.system import System
from mads.wire.canary import CanaryInfo, State

Verb = Literal["start", "stop", "promote", "rollback"]

_TURNS: dict[Verb, State] = {
    "start": "running",
    "stop": "stopped",
    "promote": "promoted",
    "rollback": "rolled back",
}


class Canaries:
    """Second versions of MADs."""

    system: System

    @tool(read_only=True)
    async def canary_list(self) -> list[CanaryInfo]:
        """Return every canary: which MAD has a second version, who is answered by it, and how the two compare."""
        return list(self.system.canaries.all())

    @tool(read_only=True)
    async def canary_show(self, mad: str) -> CanaryInfo:
        """Return the canary of one MAD."""
        return self.system.canaries.one(mad)

    @tool(destructive=True)
    async def canary_turn(self, mad: str, verb: Verb, why: str) -> CanaryInfo:
        """Begin anew with the canary of a MAD, stop it, or decide it by hand, for a reason that everybody is told."""
        return await self.system.canaries.turn(mad, _TURNS[verb], why)
