"""A tool's result taken for something else."""

from mads import mad, tool
from scribe import Scribe


@mad
class Clerk:
    """You count."""

    scribe: Scribe

    @tool
    async def count(self) -> int:
        """Count the notes about the release."""
        count: int = await self.scribe.recall("release")  # error
        return count
