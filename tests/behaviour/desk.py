"""A MAD of one's own that needs each of those that come with mads, and says what it does without each."""

from __future__ import annotations

from mads import CallError, Think, mad, tool
from mads.duos.dewey import Dewey
from mads.duos.marco import Marco
from mads.duos.turing import Turing


@mad
class Desk:
    """You answer questions."""

    turing: Turing
    marco: Marco
    dewey: Dewey
    think: Think

    @tool(read_only=True)
    async def named(self) -> str:
        """Return the name of a secret; nothing else would do."""
        return (await self.turing.get_secret("bank/token")).path

    @tool(read_only=True)
    async def page(self, url: str) -> str:
        """Return what a page says, or that it was not looked at."""
        try:
            return (await self.marco.fetch(url)).text
        except CallError as error:
            return f"without the web: {type(error).__name__}"

    @tool(read_only=True)
    async def found(self) -> str:
        """Return where a word stands, as far as somebody knows."""
        found = await self.dewey.search("tide")
        return " ".join(found.citations) or found.note

    @tool(read_only=True)
    async def thought(self) -> str:
        """Return what a model says; nothing else would do."""
        return await self.think("Is it so?", returning=str)
