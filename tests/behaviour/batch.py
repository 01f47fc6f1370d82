"""A MAD that works off jobs of several steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mads import Clock, Kept, Send, Step, Turn, mad, message, tool

if TYPE_CHECKING:
    from tests.behaviour.troupe import Tree


@message
class Taken:
    """A step was taken, in that attempt; the last is called done."""

    step: str
    attempt: int


@mad
class Batch:
    """You work off jobs, step by step."""

    tree: Tree
    kept: Kept[Taken]
    send: Send
    step: Step
    turn: Turn
    clock: Clock

    @tool
    async def begin(self, steps: int) -> None:
        """Begin a job of so many steps."""
        await self.send(self.work, steps)

    @tool
    async def work(self, steps: int) -> None:
        """Take one step after the other."""
        for number in range(steps):
            await self.step(f"step {number}", self._take, f"step {number}")
        await self.kept.add(Taken("done", self.turn.attempt))

    @tool
    async def taken(self) -> list[tuple[str, int]]:
        """Return the steps that were taken, and in which attempt."""
        return [(it.step, it.attempt) for it in await self.kept.where() if it.step != "done"]

    @tool
    async def done(self) -> bool:
        """Return whether a job is done."""
        return bool(await self.kept.where(step="done"))

    @tool
    async def sway(self, seconds: float) -> str:
        """Have the tree sway."""
        return await self.tree.sway(seconds)

    async def _take(self, name: str) -> None:
        await self.clock.sleep(0.1)
        await self.kept.add(Taken(name, self.turn.attempt))
