"""A tool called with a number where it takes text."""

from mads import mad, tool
from scribe import Note, Scribe


@mad
class Clerk:
    """You ask."""

    scribe: Scribe

    @tool
    async def ask(self, year: int) -> list[Note]:
        """Ask for a year."""
        return await self.scribe.recall(year)  # error
