"""What type checkers see through the author's API: mypy and pyright read this file strictly, and it runs as well."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, assert_type

import pytest

from herald import Announcement, Herald
from mads import (
    Clock,
    Denied,
    Emit,
    Exchange,
    Kept,
    Log,
    Random,
    Receipt,
    Said,
    SecurityEvent,
    Send,
    StateChanged,
    Step,
    Talk,
    Think,
    Turn,
    Workers,
    every,
    mad,
    message,
    on,
    prose,
    provides,
    tool,
)
from mads.testing import emitting, inline, kept, noting, rolling, saying, sending, stepping, talking, ticking, turning
from scribe import MeetingEnded, Note, Scribe

COVERS = ("R-021", "R-022", "R-024")


@message(critical=True, owner="everything", version=2, deprecated="2999-01-01: use Turned")
class Rotated:
    """A secret has a new value."""

    name: str
    generation: int = 1


NOTE = Note(about="release", text="Friday.")


@mad
class Everything:
    """You need everything there is."""

    notes: Kept[Note]
    think: Think
    emit: Emit
    send: Send
    step: Step
    talk: Talk
    turn: Turn
    clock: Clock
    random: Random
    workers: Workers
    log: Log
    limit: int = 3

    @tool(read_only=True, idempotent=True)
    async def count(self, *, about: str = "") -> int:
        """Count the notes."""
        return len(await self.notes.where(about=about))

    @tool
    async def each(self, about: str) -> AsyncIterator[Note]:
        """Stream the notes."""
        for note in await self.notes.where(about=about):
            yield note

    @on(MeetingEnded)
    async def hear(self, event: MeetingEnded) -> None:
        """Hear a meeting."""
        self.log.info("heard", words=len(event.transcript))

    @on(StateChanged)
    async def watch(self, event: StateChanged) -> None:
        """Hear what becomes of the others."""
        self.log.info("changed", of=event.mad, now=event.now)

    @tool(deprecated="2999-01-01: use count", destructive=True)
    async def forget(self, about: str) -> int:
        """Forget notes."""
        return await self.notes.remove(about=about)

    @prose
    async def chat(self, text: str) -> str:
        """Echo."""
        return text

    @every(seconds=60)
    async def tick(self) -> None:
        """Say the time."""
        self.log.info("tick", at=self.clock.now())


@provides
def length(text: str) -> int:
    """Make a number out of a text."""
    return len(text)


def everything() -> Everything:
    return Everything(
        notes=kept(NOTE),
        think=saying("Friday."),
        emit=emitting(),
        send=sending(),
        step=stepping(),
        talk=talking(),
        turn=turning(),
        clock=ticking(),
        random=rolling(),
        workers=inline(),
        log=noting(),
    )


async def test_a_double_fits_every_need() -> None:
    it = everything()

    assert_type(it.limit, int)
    assert_type(it.notes, Kept[Note])
    assert_type(await it.notes.where(about="release"), list[Note])
    assert_type(await it.notes.remove(about="release"), int)
    assert_type(await it.workers.run(len, "four"), int)
    assert_type(it.random.choice([NOTE]), Note)


async def test_a_mad_is_the_type_of_the_field_that_names_it() -> None:
    herald = Herald(scribe=Scribe(notes=kept(NOTE), think=saying()), emit=emitting())

    assert_type(herald.scribe, Scribe)
    assert_type(await herald.scribe.recall("release"), list[Note])
    assert_type(await herald.scribe.write(NOTE), None)
    assert_type(await herald.announce("release"), Announcement)


async def test_a_thought_has_the_type_that_was_asked_for() -> None:
    think: Think = saying("Friday.", [NOTE], NOTE)

    assert_type(await think("When?"), str)
    assert_type(await think("What was decided?", NOTE.text, returning=list[Note]), list[Note])
    assert_type(await think("What was decided first?", NOTE.text, returning=Note), Note)


async def test_a_command_takes_what_its_tool_takes() -> None:
    scribe, send = Scribe(notes=kept(), think=saying()), sending()
    meant: Send = send

    assert_type(await meant(scribe.write, NOTE, key="release", once="note-17"), Receipt)
    assert_type(await meant(scribe.recall, "release"), Receipt)
    assert [(sent.tool, *sent.arguments) for sent in send.sent] == [(scribe.write, NOTE), (scribe.recall, "release")]


async def test_a_step_takes_what_its_tool_takes_and_gives_its_result() -> None:
    scribe, step = Scribe(notes=kept(NOTE), think=saying()), stepping({"write": None})
    meant: Step = step

    assert_type(await meant("recall", scribe.recall, "release"), list[Note])
    assert_type(await meant("write", scribe.write, NOTE), None)
    assert [(taken.name, *taken.arguments) for taken in step.taken] == [("recall", "release")]


async def test_a_decorator_keeps_the_signature_of_its_method() -> None:
    it = everything()

    assert_type(await it.count(about="release"), int)
    assert_type(it.each("release"), AsyncIterator[Note])
    assert_type([note async for note in it.each("release")], list[Note])
    assert_type(await it.forget("release"), int)
    assert_type(await it.chat(text="hello"), str)
    assert_type(length("four"), int)
    meant: Callable[[MeetingEnded], Coroutine[Any, Any, None]] = it.hear
    await meant(MeetingEnded(transcript="Ana: Friday."))
    ticked: Coroutine[Any, Any, None] = it.tick()
    await ticked


def test_a_message_is_typed_and_frozen() -> None:
    assert_type(NOTE.text, str)
    assert_type(Rotated("db", generation=2).generation, int)
    assert_type(StateChanged(mad="a", was="running", now="ended").why, str)
    assert_type(SecurityEvent("call_denied", "a", "ana", "mads.b.c", "it may not").letter, int | None)
    with pytest.raises(AttributeError):
        setattr(NOTE, "text", "Monday.")  # noqa: B010  written plainly it is an error before it runs


async def test_what_is_said_has_its_types_and_a_double_says_it() -> None:
    talk = talking(("ana", "hello"), answers={"bo": "hi"}, conversation="42")
    meant: Talk = talk
    history = await meant.history(limit=5)
    exchange = await meant.say("@bo hello", thread="turn-1")

    assert_type(history, list[Said])
    assert_type(exchange, Exchange)
    assert [(said.turn, said.by, said.text) for said in history] == [(1, "ana", "hello")]
    assert [(answer.by, answer.text) for answer in exchange.answers] == [("bo", "hi")]
    assert [spoken.text for spoken in talk.said] == ["@bo hello"]
    with pytest.raises(Denied):
        await meant.history(conversation="43")
