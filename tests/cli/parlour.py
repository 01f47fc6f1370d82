"""The MADs that the command line is tried on."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Literal

from mads import Clock, Emit, Kept, Turn, mad, message, on, prose, provides, tool


@message
class Spoke:
    """Somebody said something."""

    text: str
    loud: bool = False


@message
class Answer:
    """What a parrot says to prose."""

    text: str
    citations: list[str]
    conversation: str | None


@mad
class Parrot:
    """You are a parrot: you say again what you hear."""

    emit: Emit
    turn: Turn
    clock: Clock

    @tool(read_only=True)
    async def repeat(self, text: str, times: int = 1, how: Literal["loud", "low"] = "low") -> list[str]:
        """Say something so many times."""
        return [text.upper() if how == "loud" else text] * times

    @tool
    async def tell(self, spoke: Spoke) -> str:
        """Tell everyone, and say what was told."""
        await self.emit(spoke)
        return spoke.text

    @tool
    async def count(self, upto: int, seconds: float = 0.0) -> AsyncIterator[int]:
        """Count, so many seconds from one number to the next."""
        try:
            for number in range(upto):
                yield number
                await self.clock.sleep(seconds)
        except (GeneratorExit, asyncio.CancelledError):
            await self.emit(Spoke("interrupted"))
            raise

    @tool
    async def nap(self, seconds: float) -> str:
        """Sleep, and tell how far the sleep has come."""
        self.turn.progress(1, 2, "dozing")
        await self.clock.sleep(seconds)
        return "awake"

    @tool(destructive=True)
    async def forget(self) -> str:
        """Forget everything."""
        return self.turn.principal

    @tool
    async def hold_breath(self) -> None:
        """Hold up the loop, and with it everybody."""
        sys.stderr.write("held up\n")
        time.sleep(3600)  # noqa: ASYNC251  that is the point

    @tool
    async def choke(self) -> None:
        """Fail."""
        raise ValueError("a nut") from OSError("the shell")

    @prose
    async def answer(self, text: str) -> Answer:
        """Answer prose."""
        return Answer(f"{text}, {text}", ["cage.py:3", "cage.py:7"], self.turn.conversation)


@mad
class Witness:
    """You remember what was said."""

    said: Kept[Spoke]

    @on(Spoke)
    async def hear(self, spoke: Spoke) -> None:
        """Remember."""
        await self.said.add(spoke)

    @tool(read_only=True)
    async def heard(self, text: str) -> list[Spoke]:
        """Return what was said in these words, once something was."""
        while not (found := await self.said.where(text=text)):
            await asyncio.sleep(0.01)
        return found


class Pillow:
    """What a sleeper never gets."""

    def __init__(self, softness: int) -> None:
        self.softness = softness


@provides
async def pillow() -> Pillow:
    """Take for ever."""
    sys.stderr.write("never ready\n")
    await asyncio.Event().wait()
    return Pillow(1)


@mad
class Sleeper:
    """You never get ready."""

    pillow: Pillow
