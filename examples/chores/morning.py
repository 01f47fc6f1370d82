"""A MAD that tells people what is theirs to do, from the list that another MAD keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mads import mad, tool

if TYPE_CHECKING:
    from chores import Chores


@mad
class Morning:
    """You tell people in the morning what is theirs to do, and no more than that."""

    chores: Chores

    @tool(read_only=True)
    async def plan(self, who: str) -> list[str]:
        """Return what somebody has to do today."""
        return [task.what for task in await self.chores.left() if task.who in {who, "anyone"}]
