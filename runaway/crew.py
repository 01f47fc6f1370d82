"""An agent that never has enough: it asks, streams and lets helpers ask, in rounds, whatever it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from mads import CallError, Think, mad, tool
from mads.duos.fiedler import Fiedler
from mads.wire.model import ModelMessage, ModelRequest

TASK = "go over all of it once more and say what could still be better " * 6
LEAVES = 3
"""Of so many streams one is left before its end."""


@mad
class Helper:
    """You do the same as whoever sent you."""

    think: Think

    @tool
    async def help(self, number: int) -> None:
        """Ask a model, and take its answer."""
        await self.think("What could be better?", f"{number}: {TASK}")


@mad
class Agent:
    """You go on, whatever it costs."""

    fiedler: Fiedler
    helper: Helper

    @tool
    async def round(self, number: int, helpers: int) -> list[str]:
        """Ask once, stream once and have helpers ask, all at once; return what was said of each that failed."""
        ways = [self._asked(number), self._streamed(number), *(self.helper.help(number) for _ in range(helpers))]
        return [said for said in await asyncio.gather(*(_told(way) for way in ways)) if said]

    async def _asked(self, number: int) -> None:
        await self.fiedler.complete(_request(number))

    async def _streamed(self, number: int) -> None:
        async for _ in self.fiedler.stream(_request(number)):
            if number % LEAVES == 0:
                return


def _request(number: int) -> ModelRequest:
    return ModelRequest((ModelMessage("user", f"{number}: {TASK}"),), max_tokens=200)


async def _told(way: Awaitable[None]) -> str:
    """Return why it failed; "" where it did not."""
    try:
        await way
    except CallError as error:
        return f"{type(error).__name__}: {error}"
    return ""
