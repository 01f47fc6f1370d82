"""The MADs that talk with each other in the tests of conversations, in every place."""

from __future__ import annotations

import asyncio
import os

from mads import Denied, Exchange, Kept, Said, Talk, Turn, mad, message, prose, tool


@message
class Heard:
    """What was heard, and in which conversation."""

    text: str
    conversation: str | None


@mad
class Ana:
    """You hand on what you are told, and say what was said before."""

    talk: Talk
    heard: Kept[Heard]
    turn: Turn

    @prose
    async def answer(self, text: str) -> str:
        """Answer, with a mention of Bo where the text asks for it."""
        await self.heard.add(Heard(text, self.turn.conversation))
        if "history" in text:
            said = " | ".join(f"{said.by}: {said.text}" for said in await self.talk.history())
            return said.replace("@", "at ")
        if "ask bo" in text:
            return "@bo what do you say? Write to bo@example.org."
        return f"ana heard {text.count('@')} mentions"

    @tool
    async def look(self, conversation: str) -> list[Said] | str:
        """Return what was said in a conversation."""
        try:
            return await self.talk.history(conversation=conversation)
        except Denied as error:
            return str(error)

    @tool
    async def tell(self, text: str, conversation: str | None = None) -> Exchange | str:
        """Say something."""
        try:
            return await self.talk.say(text, conversation=conversation)
        except Denied as error:
            return str(error)

    @tool
    async def pid(self) -> int:
        """Return the process in which this runs."""
        return os.getpid()


@mad
class Bo:
    """You say that you are here."""

    ana: Ana
    talk: Talk

    @prose
    async def answer(self, text: str) -> str:
        """Answer, and call a tool of Ana's where the text asks for it."""
        if "call" in text:
            return f"ana runs in {await self.ana.pid() > 0}"
        if "fail" in text:
            raise ValueError("a cold")
        return "bo is here"


@mad
class Cy:
    """You answer every mention with another, for ever."""

    talk: Talk
    turn: Turn

    @prose
    async def answer(self, text: str) -> str:
        """Say it again to everybody."""
        del text
        return "@ana @bo @dee once more"

    @tool
    async def look(self, conversation: str) -> list[Said] | str:
        """Return what was said in a conversation."""
        try:
            return await self.talk.history(conversation=conversation)
        except Denied as error:
            return str(error)


@mad
class Dee:
    """You answer Cy."""

    @prose
    async def answer(self, text: str) -> str:
        """Say it again to Cy."""
        del text
        return "@cy and again"


@mad
class Mute:
    """You hear no prose."""

    @tool
    async def nod(self) -> None:
        """Nod."""


@mad
class Muse:
    """You think for as long as anybody waits."""

    @prose
    async def ponder(self, text: str) -> str:
        """Come to no end."""
        await asyncio.Event().wait()
        return text
