"""A MAD that asks and tells its caller things while it works."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Literal

from mads import CannotAsk, Kept, Turn, mad, message, prompt, resource, tool


class Size(Enum):
    """How large."""

    EXTRA_SMALL = "xs"
    LARGE = "l"


@message
class Order:
    """What a person fills in."""

    name: str
    size: Size = Size.LARGE
    cups: int = 1
    milk: bool = False
    extras: tuple[Literal["sugar", "cocoa"], ...] = ()


@message
class Sure:
    """Yes or no."""

    yes: bool


@message
class Begun:
    """That a tool was begun."""

    what: str


@mad
class Inquirer:
    """You take orders, and ask where they are not clear."""

    turn: Turn
    begun: Kept[Begun]

    @tool(interactive=True)
    async def order(self) -> str:
        """Ask what is to be had."""
        await self.begun.add(Begun("order"))
        match await self.turn.ask("What may it be?", returning=Order):
            case Order(name=name, size=size, cups=cups):
                return f"{cups} {size.value} for {name}"
            case other:
                return type(other).__name__

    @tool(interactive=True)
    async def twice(self) -> str:
        """Ask, and ask again."""
        await self.begun.add(Begun("twice"))
        first = await self.turn.ask("Sure?", returning=Sure)
        second = await self.turn.ask("Really?", returning=Sure)
        return f"{first} {second}"

    @tool(interactive=True)
    async def together(self) -> str:
        """Ask for two things side by side."""
        said, roots = await asyncio.gather(
            self.turn.sample("What is the capital of France?", system="Be brief.", name="capital"),
            self.turn.roots(name="folders"),
        )
        return f"{said.text} by {said.model} in {roots[0].uri}"

    @tool(interactive=True)
    async def whichever(self) -> str:
        """Ask what can be asked."""
        try:
            return repr(await self.turn.ask("Sure?", returning=Sure))
        except CannotAsk:
            return (await self.turn.sample("Sure?")).text

    @tool
    async def shy(self) -> str:
        """Ask without saying so."""
        return repr(await self.turn.ask("Sure?", returning=Sure))

    @tool(interactive=True)
    async def wait(self) -> str:
        """Ask, and say how it ended where nobody answers."""
        try:
            return repr(await self.turn.ask("Sure?", returning=Sure))
        except asyncio.CancelledError:
            await self.begun.add(Begun("cancelled"))
            raise

    @tool(interactive=True)
    async def sleep(self) -> None:
        """Take its time, and say how it ended."""
        await self.begun.add(Begun("sleeping"))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await self.begun.add(Begun("cancelled"))
            raise

    @tool(interactive=True)
    async def work(self) -> str:
        """Tell how it goes."""
        self.turn.log("debug", "very small")
        self.turn.log("info", "started", step=1)
        self.turn.progress(1, 2)
        await asyncio.sleep(0.02)
        self.turn.log("warning", "slow")
        self.turn.progress(2, 2)
        return "done"

    @tool(read_only=True)
    async def starts(self) -> list[str]:
        """Return what was begun."""
        return [it.what for it in await self.begun.where()]

    @prompt(interactive=True)
    async def greeting(self) -> str:
        """Ask whom to greet."""
        order = await self.turn.ask("Who is there?", returning=Order)
        return f"Greet {order.name}." if order else "Nobody."

    @resource("cafe://bill", interactive=True)
    async def bill(self) -> str:
        """Ask who pays."""
        return f"for {await self.turn.ask('Who pays?', returning=Order)}"


@mad
class Waiter:
    """You ask the inquirer, who has nobody to ask then."""

    inquirer: Inquirer

    @tool(interactive=True)
    async def order(self) -> str:
        """Have another ask."""
        return await self.inquirer.order()
