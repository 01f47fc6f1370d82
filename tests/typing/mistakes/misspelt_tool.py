"""A tool called by a name that it does not have."""

from mads import mad, tool
from scribe import Scribe


@mad
class Clerk:
    """You ask."""

    scribe: Scribe

    @tool
    async def ask(self) -> None:
        """Ask for the release."""
        await self.scribe.recal("release")  # error
