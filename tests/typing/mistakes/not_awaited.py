"""A tool called and not awaited."""

from mads import mad, tool
from scribe import Note, Scribe


@mad
class Clerk:
    """You note."""

    scribe: Scribe

    @tool
    async def keep(self, note: Note) -> None:
        """Keep a note."""
        self.scribe.write(note)  # error
