"""A MAD that uses what it has not asked for, and one that is built without what it asks for."""

from mads import mad, tool
from scribe import Scribe


@mad
class Clerk:
    """You ask, and have nobody to ask."""

    @tool
    async def ask(self) -> None:
        """Ask for the release."""
        await self.scribe.recall("release")  # error


@mad
class Reader:
    """You read."""

    scribe: Scribe


def hire() -> Reader:
    """Hire a reader."""
    return Reader()  # error
