"""A handler that takes another event than the one it hears."""

from mads import mad, on
from scribe import MeetingEnded, Note


@mad
class Clerk:
    """You listen."""

    @on(MeetingEnded)  # error
    async def minute(self, meeting: Note) -> None:
        """Hear the wrong thing."""
