"""A model that takes as long as it is told, a desk where people ask it, and jobs that ask it without end."""

from __future__ import annotations

import time
from dataclasses import field

from mads import Clock, Send, Step, mad, tool


@mad
class Model:
    """You answer after a while."""

    clock: Clock

    @tool
    async def answer(self, seconds: float) -> str:
        """Think for so many seconds."""
        await self.clock.sleep(seconds)
        return "yes"


@mad
class Desk:
    """You pass on what people ask."""

    model: Model

    @tool
    async def ask(self, seconds: float) -> str:
        """Ask the model."""
        return await self.model.answer(seconds)


@mad
class Batch:
    """You work off jobs of many steps."""

    model: Model
    send: Send
    step: Step
    taken: dict[str, int] = field(default_factory=dict[str, int])

    @tool
    async def begin(self, number: int) -> int:
        """Begin a job."""
        return (await self.send(self.work, number)).id

    @tool
    async def work(self, number: int) -> None:
        """Take step after step: ask the model, and think about the answer."""
        for count in range(900):
            await self.step(f"ask {count}", self.model.answer, 0.05)
            until = time.thread_time() + 0.001
            while time.thread_time() < until:
                pass
            self.taken[str(number)] = count + 1

    @tool
    async def at_work(self) -> dict[str, int]:
        """Return how many steps each job has taken."""
        return self.taken
