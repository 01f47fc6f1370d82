"""The MADs that the tests of the record put in every place: a shop, and the bank that it asks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any, cast

from mads import Emit, Reject, Send, Sensitive, Turn, mad, message, on, prose, tool


@message
class Card:
    """What one pays with."""

    number: Sensitive[str]
    owner: str


@message
class Sold:
    """Something was sold."""

    what: str
    card: Card


@mad
class Bank:
    """You keep the money."""

    turn: Turn

    @tool
    async def charge(self, card: Card, cents: int, how: str = "") -> str:
        """Take money from a card."""
        self.turn.charge(300)
        self.turn.charge(40)
        if how == "refuse":
            raise ValueError(f"card {card.number} is not covered")
        if how == "reject":
            raise Reject(f"card {card.number} is not covered")
        if how == "die":
            os._exit(3)
        if how == "hang":
            await asyncio.Event().wait()
        return f"{cents} from {card.owner}"

    @tool
    async def forged(self, cost: float) -> None:
        """Charge what is no amount, against all types."""
        self.turn.charge(cast("Any", cost))

    @tool(destructive=True)
    async def rob(self) -> None:
        """Take it all."""

    @tool
    async def token(self) -> Sensitive[str]:
        """Return a secret."""
        return "swordfish"

    @tool
    async def coins(self, count: int) -> AsyncIterator[int]:
        """Pay out."""
        for coin in range(count):
            yield coin


@mad
class Shop:
    """You sell."""

    bank: Bank
    emit: Emit
    send: Send
    turn: Turn

    @tool
    async def sell(self, what: str, card: Card, how: str = "") -> str:
        """Sell something."""
        paid = await self.bank.charge(card, 995, how)
        await self.emit(Sold(what, card), key=what)
        return paid

    @tool
    async def order(self, what: str, how: str = "") -> int:
        """Have it packed."""
        return (await self.send(self.bank.charge, Card("9-9", what), 1, how)).id

    @tool
    async def raid(self) -> None:
        """Have the bank robbed."""
        await self.bank.rob()

    @on(Sold)
    async def wrap(self, sold: Sold) -> None:
        """Wrap it."""
        self.turn.charge(len(sold.what) + 4)

    @prose
    async def talk(self, text: str) -> str:
        """Answer."""
        return f"you said {text}"
