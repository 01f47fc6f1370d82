"""A MAD that does something by the clock, and says in whose name."""

from __future__ import annotations

from dataclasses import field

from mads import Turn, every, mad, tool


@mad
class Ticking:
    """You tick."""

    turn: Turn
    said: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])

    @every(seconds=0.05)
    async def tick(self) -> None:
        """Note who ticks, and how long that may take."""
        self.said.append((self.turn.principal, self.turn.remaining))

    @tool(read_only=True)
    async def told(self) -> list[tuple[str, float]]:
        """Return what was noted."""
        return self.said
