"""What the steward knows of feature flags."""

from __future__ import annotations

from typing import Any

from mads import tool
from mads.author.system import System
from mads.wire.call import Identity
from mads.wire.flags import FlagFound, FlagInfo


class Flags:
    """Feature flags."""

    system: System

    @tool(read_only=True)
    async def flag_list(self) -> list[FlagInfo]:
        """Return every feature flag."""
        return list(self.system.flags.all())

    @tool(read_only=True)
    async def flag_trouble(self) -> str:
        """Return what is wrong with the file of flags as it stands now, where the last good one counts; or nothing."""
        return self.system.flags.trouble()

    @tool(read_only=True)
    async def flag_show(
        self,
        flag: str,
        principal: str = "",
        tenant: str = "default",
        conversation: str = "",
        about: dict[str, Any] | None = None,
    ) -> FlagFound:
        """Return what a flag is for somebody, and why."""
        return self.system.flags.found(flag, Identity(principal, tenant), conversation, about or {})

    @tool(destructive=True)
    async def flag_set(self, flag: str, default: str | None = None, *, enabled: bool | None = None) -> list[FlagInfo]:
        """Have a flag another default, or on or off: its file is changed, and it counts within a second."""
        return list(await self.system.flags.change(flag, default=default, enabled=enabled))
