"""A step whose tool takes text, and is given a number."""

from mads import Step, mad, tool
from scribe import Scribe


@mad
class Clerk:
    """You ask, step by step."""

    scribe: Scribe
    step: Step

    @tool
    async def ask(self, year: int) -> None:
        """Ask for a year."""
        await self.step("recall", self.scribe.recall, year)  # error
