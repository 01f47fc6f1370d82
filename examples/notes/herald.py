"""A MAD that tells everyone what has been decided, from the notes that another MAD keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mads import Emit, mad, message, tool

if TYPE_CHECKING:
    from scribe import Scribe


@message
class Announcement:
    about: str
    text: str


@mad
class Herald:
    """You tell people what was decided: all of it, in the order it came, and nothing else."""

    scribe: Scribe
    emit: Emit

    @tool
    async def announce(self, about: str) -> Announcement:
        """Announce what the notes say about a subject, to the caller and to everyone who listens."""
        notes = await self.scribe.recall(about)
        said = " ".join(note.text for note in notes) or "Nothing has been noted."
        announcement = Announcement(about=about, text=f"On {about}: {said}")
        await self.emit(announcement)
        return announcement
