"""The MADs that take steps: a shop whose orders go through several hands, and a bank that says what it was asked."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from mads import Kept, Send, Step, Turn, mad, message, tool


@message
class Order:
    """What is bought, and in how many parcels; in its first attempt the shop does at place `at` what `how` says."""

    what: str
    parcels: int = 2
    at: str = ""
    how: str = "raise"


@message
class Paid:
    """A payment."""

    number: int


@message
class Asked:
    """What the bank, or the shop itself, was asked, and what it could tell of the call."""

    what: str
    command: str | None
    key: str | None
    pid: int


@message
class Bought:
    """An order that went through, with all results of its steps."""

    what: str
    shelf: str
    paid: Paid
    parcels: list[int]
    attempt: int


async def misbehave(how: str) -> None:
    """Fail, die or wait for ever."""
    match how:
        case "raise":
            raise ValueError("out of paper")
        case "exit":
            os._exit(7)
        case _:
            await asyncio.Event().wait()


@mad
class Bank:
    """You take money."""

    asked: Kept[Asked]
    turn: Turn

    @tool
    async def pay(self, order: Order) -> Paid:
        """Take money."""
        await self.asked.add(Asked("pay", self.turn.command, self.turn.key, os.getpid()))
        number = len(await self.asked.where(what="pay"))
        if order.at == "within pay" and number == 1:
            await misbehave(order.how)
        return Paid(number)

    @tool
    async def refund(self, order: Order) -> Paid:
        """Give it back."""
        del order
        return Paid(-1)

    @tool(read_only=True)
    async def all(self) -> list[Asked]:
        """Return what was asked."""
        return await self.asked.where()


@mad
class Shop:
    """You sell, step by step."""

    bank: Bank
    bought: Kept[Bought]
    did: Kept[Asked]
    step: Step
    send: Send
    turn: Turn

    @tool
    async def order(self, order: Order, key: str | None = None) -> int:
        """Send an order to the tool that carries it out; return the number of the command."""
        return (await self.send(self.buy, order, key=key)).id

    @tool
    async def buy(self, order: Order) -> None:
        """Carry out an order."""
        shelf = await self.step("fetch", self._fetch, order.what)
        await self._maybe(order, "after fetch")
        paid = await self.step("pay", self.bank.pay, order=order)
        await self._maybe(order, "after pay")
        parcels = await asyncio.gather(
            *(self.step(f"ship {number}", self._ship, order, number) for number in range(order.parcels))
        )
        await self.bought.add(Bought(order.what, shelf, paid, [*parcels], self.turn.attempt))

    async def _fetch(self, what: str) -> str:
        await self.did.add(Asked("fetch", self.turn.command, self.turn.key, os.getpid()))
        return f"shelf of {what}"

    async def _ship(self, order: Order, number: int) -> int:
        await self.did.add(Asked(f"ship {number}", self.turn.command, self.turn.key, os.getpid()))
        await self._maybe(order, f"within ship {number}")
        return 10 * number

    async def _maybe(self, order: Order, place: str) -> None:
        if order.at == place and self.turn.attempt == 1:
            await misbehave(order.how)

    async def _untold(self):  # type: ignore[no-untyped-def]  # noqa: ANN202  the mistake that is tested
        return 1

    async def _large(self) -> bytes:
        return bytes(2_000_000)

    async def _lie(self) -> int:
        lie: Any = "one"
        return lie  # type: ignore[no-any-return]

    @tool
    async def err(self, how: str) -> int:
        """Send a mistake; return the number of the command."""
        return (await self.send(self.mistake, how)).id

    @tool
    async def mistake(self, how: str) -> None:
        """Make a mistake with a step."""
        step: Any = self.step
        match how:
            case "twice":
                await step("fetch", self._fetch, "tea")
                await step("fetch", self._fetch, "tea")
            case "untold":
                await step("count", self._untold)  # pyright: ignore[reportUnknownMemberType]
            case "large":
                await step("read", self._large)
            case "lie":
                await step("count", self._lie)
            case "no work":
                await step("count", len, "four")
            case "changed":
                work = self.bank.pay if self.turn.attempt == 1 else self.bank.refund
                await step("money", work, Order("tea"))
                raise ValueError("out of paper")
            case _:
                await step("", self._fetch, "tea")

    @tool(read_only=True)
    async def done(self) -> list[Bought]:
        """Return what was bought."""
        return await self.bought.where()

    @tool(read_only=True)
    async def log(self) -> list[Asked]:
        """Return what was done."""
        return await self.did.where()
