"""Two versions of a clerk, and second ones that are worse in one way each."""

from __future__ import annotations

import asyncio

from mads import Kept, Ledger, Send, every, mad, message, on, tool
from mads.wire.ledger import Amount


@message
class Memo:
    """A line that a clerk keeps."""

    text: str


@message
class Told:
    """Something that every clerk might hear."""

    text: str


@mad
class Clerk:
    """You are a clerk."""

    kept: Kept[Memo]
    ledger: Ledger
    send: Send

    @tool(read_only=True)
    async def version(self) -> int:
        """Return which one this is."""
        return 1

    @tool(read_only=True)
    async def sum(self, a: int, b: int) -> int:
        """Return a sum."""
        return a + b

    @tool
    async def keep(self, text: str) -> None:
        """Keep a line."""
        await self.kept.add(Memo(text))

    @tool
    async def note(self, text: str) -> None:
        """Keep a line later."""
        await self.send(self.keep, f"{text} of {await self.version()}")

    @tool(read_only=True)
    async def lines(self) -> list[str]:
        """Return all lines."""
        return [memo.text for memo in await self.kept.where()]

    @tool
    async def buy(self) -> None:
        """Spend a little."""
        await self._spend(100)

    async def _spend(self, micro_usd: int) -> None:
        id_ = await self.ledger.reserve("ink", Amount(micro_usd=micro_usd))
        await self.ledger.commit(id_, Amount(micro_usd=micro_usd))


@mad
class Other(Clerk):
    """You are a clerk, too."""

    @tool(read_only=True)
    async def version(self) -> int:
        """Return which one this is."""
        return 2


@mad
class Bad(Other):
    """You are a clerk who gets everything wrong."""

    @tool(read_only=True)
    async def sum(self, a: int, b: int) -> int:
        """Return no sum."""
        return a * b + 1

    @tool
    async def keep(self, text: str) -> None:
        """Fail."""
        raise ValueError(text)

    @tool(read_only=True)
    async def lines(self) -> list[str]:
        """Take a long time."""
        await asyncio.sleep(0.03)
        return []

    @tool
    async def buy(self) -> None:
        """Spend much."""
        await self._spend(1000)


@mad
class Odd:
    """You are no clerk."""

    kept: Kept[Told]

    @tool(read_only=True)
    async def sum(self, a: str) -> int:
        """Return a length."""
        return len(a)


@mad
class Hearer(Other):
    """You are a clerk who hears, and looks at the clock."""

    @on(Told)
    async def hear(self, told: Told) -> None:
        """Hear."""

    @every(seconds=60)
    async def tick(self) -> None:
        """Look."""


@mad
class Second:
    """You are a second gardener."""

    @tool
    async def principal_below(self) -> str:
        """Return who this is."""
        return "second"
