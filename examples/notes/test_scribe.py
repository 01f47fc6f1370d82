from mads.testing import kept, saying
from scribe import MeetingEnded, Note, Scribe

SHIP = Note(about="release", text="We ship on Friday.")


async def test_a_meeting_becomes_notes() -> None:
    scribe = Scribe(notes=kept(), think=saying([SHIP]))

    await scribe.minute(MeetingEnded(transcript="Ana: Friday, then. Bo: agreed."))

    assert await scribe.recall("release") == [SHIP]
