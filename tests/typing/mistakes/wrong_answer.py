"""A tool that answers against its own declaration."""

from mads import mad, tool
from scribe import Note


@mad
class Clerk:
    """You note."""

    @tool
    async def note(self, about: str) -> list[Note]:
        """Return one note."""
        return Note(about=about, text="")  # error
