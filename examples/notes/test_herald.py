from herald import Announcement, Herald
from mads.testing import emitting, kept, saying
from scribe import Note, Scribe


async def test_what_was_noted_is_announced_to_all() -> None:
    scribe = Scribe(notes=kept(), think=saying())
    emit = emitting()
    await scribe.write(Note(about="release", text="We ship on Friday."))
    await scribe.write(Note(about="release", text="Bo writes the notes."))
    await scribe.write(Note(about="lunch", text="Soup."))

    announcement = await Herald(scribe=scribe, emit=emit).announce("release")

    assert announcement == Announcement(about="release", text="On release: We ship on Friday. Bo writes the notes.")
    assert emit.events == [announcement]


async def test_nothing_noted_is_said_so() -> None:
    herald = Herald(scribe=Scribe(notes=kept(), think=saying()), emit=emitting())

    assert (await herald.announce("budget")).text == "On budget: Nothing has been noted."
