"""The MADs that the tests of what is sensitive put in every place: whatever they do wrong, they know a secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import Enum
from typing import Any, cast

from mads import Emit, Kept, Log, Sensitive, mad, message, on, tool

CANARY = "canary-9f3a"


class Metal(Enum):
    """What a coin is made of."""

    GOLD = "gold"


@message
class Die:
    """What coins are struck with."""

    name: str
    mark: Sensitive[str]


@message(critical=True, owner="mint")
class Struck:
    """A coin was struck."""

    die: Die
    metal: Sensitive[Metal]


@message
class Shown:
    """A die was shown to somebody."""

    die: Die
    times: int = 1


@mad
class Mint:
    """You strike coins."""

    emit: Emit
    log: Log
    dies: Kept[Die]

    @on(Struck)
    async def struck(self, event: Struck) -> None:
        """Say so."""
        self.log.info("struck", coin=event, mark=event.die.mark, shown=repr(event.die))

    @on(Shown)
    async def shown(self, event: Shown) -> None:
        """Fail, and say over what."""
        raise ValueError(f"{event!r} {event.die.mark}")

    @tool
    async def lend(self, die: Die) -> Sensitive[str]:
        """Answer what does not fit."""
        return cast("str", [die.mark])

    @tool
    async def mark(self) -> Sensitive[str]:
        """Return the mark of the die in use."""
        return CANARY

    @tool
    async def marks(self) -> AsyncIterator[Die]:
        """Stream the dies."""
        yield Die("sovereign", CANARY)

    @tool
    async def keep(self, die: Die) -> None:
        """Keep what does not fit, and look for it."""
        assert await self.dies.where(mark=cast("Any", [die.mark])) == []

    @tool
    async def show(self, die: Die) -> None:
        """Say that it was shown."""
        await self.emit(Shown(die))


@mad
class Assayer:
    """You look at marks, and talk too much."""

    mint: Mint
    log: Log

    @tool
    async def assay(self, how: str) -> None:
        """Have a mark told, and tell everybody."""
        match how:
            case "stream":
                mark = "".join([die.mark async for die in self.mint.marks()])
            case "gather":
                (mark,) = await asyncio.gather(self.mint.mark())
            case _:
                mark = await self.mint.mark()
        self.log.info("assayed", said=f"it says {mark}", mark=mark, all=[mark])
        raise ValueError(mark)

    @tool
    async def chat(self) -> None:
        """Talk of what it knows by itself."""
        self.log.info("it may say canary")
