"""A tool that takes text, sent a number."""

from mads import Send, mad, tool
from scribe import Scribe


@mad
class Clerk:
    """You ask, some day."""

    scribe: Scribe
    send: Send

    @tool
    async def ask(self, year: int) -> None:
        """Ask for a year."""
        await self.send(self.scribe.recall, year)  # error
