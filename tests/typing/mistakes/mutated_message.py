"""A message changed after it was received."""

from mads import mad, tool
from scribe import Note, Scribe


@mad
class Clerk:
    """You shout."""

    scribe: Scribe

    @tool
    async def shout(self, note: Note) -> None:
        """Keep a note, loudly."""
        note.text = note.text.upper()  # error
        await self.scribe.write(note)
