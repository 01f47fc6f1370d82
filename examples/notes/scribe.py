"""A MAD that keeps a team's notes, and takes them by itself when a meeting ends."""

from mads import Kept, Think, mad, message, on, tool


@message
class Note:
    about: str
    text: str


@message
class MeetingEnded:
    transcript: str


@mad
class Scribe:
    """You keep the team's notes: short, true, and easy to find again."""

    notes: Kept[Note]
    think: Think

    @tool
    async def write(self, note: Note) -> None:
        """Keep a note."""
        await self.notes.add(note)

    @tool
    async def recall(self, about: str) -> list[Note]:
        """Return every note about a subject, oldest first."""
        return await self.notes.where(about=about)

    @on(MeetingEnded)
    async def minute(self, meeting: MeetingEnded) -> None:
        for note in await self.think("What was decided?", meeting.transcript, returning=list[Note]):
            await self.notes.add(note)
