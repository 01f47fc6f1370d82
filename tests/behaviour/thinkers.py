"""MADs that ask a model."""

from __future__ import annotations

import os

from mads import Kept, Sensitive, Think, Turn, mad, message, tool


@message
class Fact:
    """Something that is so."""

    about: str
    text: str


@message
class Card:
    """Something of which a part is nobody's business."""

    name: str
    number: Sensitive[str]


@mad
class Shelf:
    """You keep facts."""

    facts: Kept[Fact]

    @tool
    async def put(self, fact: Fact) -> None:
        """Keep a fact."""
        await self.facts.add(fact)

    @tool(read_only=True)
    async def find(self, about: str) -> list[Fact]:
        """Return every fact about something."""
        return await self.facts.where(about=about)


@mad
class Sage:
    """You are wise."""

    think: Think
    shelf: Shelf
    turn: Turn

    @tool
    async def say(self, text: str) -> str:
        """Have a model say what comes to it."""
        return await self.think("What do you say?", text)

    @tool
    async def facts(self, text: str) -> list[Fact]:
        """Return the facts in a text."""
        return await self.think("Which facts are in it?", text, returning=list[Fact])

    @tool
    async def look_up(self, text: str) -> str:
        """Let a model look things up."""
        return await self.think("Look it up.", text, tools=[self.shelf.find, self.where])

    @tool
    async def pay(self, card: Card) -> str:
        """Show a card to a model."""
        return await self.think("Whose is it?", card)

    @tool
    async def wrong(self) -> str:
        """Give a model what is no tool."""
        return await self.think("Look it up.", tools=[print])

    @tool(read_only=True)
    async def where(self) -> int:
        """Return the process in which this MAD runs."""
        return os.getpid()
