"""An agent that a model keeps at work, and who lets many of them loose at once."""

from __future__ import annotations

import asyncio

from mads import CallError, Think, mad, tool


@mad
class Agent:
    """You do one small thing at a time, and say what you have done.

    You do one small thing at a time, and say what you have done. You do one small thing at a time, and say what you
    have done. You do one small thing at a time, and say what you have done.
    """

    think: Think

    @tool
    async def work(self) -> str:
        """Work until the model has had enough."""
        return await self.think("call agent_again {}", tools=[self.again])

    @tool
    async def again(self) -> str:
        """Do a small thing, which leads to the next."""
        return "call agent_again {}"


@mad
class Lead:
    """You let agents loose."""

    agent: Agent

    @tool
    async def loose(self, agents: int) -> list[str]:
        """Let so many work at once; return what became of each."""

        async def one() -> str:
            try:
                await self.agent.work()
            except CallError as error:
                return str(error)
            return "done"

        return list(await asyncio.gather(*(one() for _ in range(agents))))
