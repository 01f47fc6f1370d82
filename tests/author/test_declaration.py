"""What a MAD's class declares is read from it, and what it declares wrongly is told with the line to write."""

from collections.abc import AsyncIterator, Callable
from dataclasses import field
from typing import Any

import msgspec
import pytest

from mads import Emit, Kept, every, mad, message, on, prose, tool
from mads.author.declaration import CHAT, declaration, readable
from mads.author.declare import ToolMark
from mads.wire.errors import DeclarationError
from scribe import MeetingEnded, Note, Scribe

COVERS = ("R-021", "R-022", "R-023", "R-024")


@message
class Found:
    """What was found."""

    number: int


@mad
class Finder:
    """You find.

    And you find again.
    """

    scribe: Scribe
    notes: Kept[Note]
    emit: Emit
    limit: int = 3
    seen: list[str] = field(default_factory=list[str])
    count: int = field(default=0, init=False)

    @tool(read_only=True, idempotent=True)
    async def find(self, about: str, tags: list[str] = [], *, limit: int = 3, exact: bool) -> list[Found]:  # noqa: B006
        """Find it."""
        return [Found(number=limit)] if exact and about and not tags else []

    @tool(destructive=True)
    async def forget(self) -> None:  # noqa: D102  its name has to do
        await self.notes.remove()

    @tool
    async def each(self) -> AsyncIterator[Found]:
        """Stream what was found."""
        yield Found(number=self.limit)

    @prose
    async def talk(self, text: str) -> str:
        """Talk."""
        return text

    @on(MeetingEnded)
    async def hear(self, meeting: MeetingEnded) -> None:
        """Hear."""
        self.seen.append(meeting.transcript)

    @every(seconds=1.5)
    async def tick(self) -> None:
        """Count."""
        self.count += 1

    async def own(self, anything: Callable[[], None]) -> None:
        """Do what nobody else may ask for."""


def test_fields_are_what_it_needs() -> None:
    assert [(it.name, it.type, it.has_default) for it in declaration(Finder).fields] == [
        ("scribe", Scribe, False),
        ("notes", Kept[Note], False),
        ("emit", Emit, False),
        ("limit", int, True),
        ("seen", list[str], True),
    ]


def test_the_docstring_is_who_it_is() -> None:
    @mad
    class Nobody:
        name: str

    assert declaration(Finder).role == "You find.\n\nAnd you find again."
    assert declaration(Nobody).role == ""


def test_tools_are_what_it_offers() -> None:
    tools = declaration(Finder).tools

    assert set(tools) == {"find", "forget", "each", CHAT}
    assert tools["find"].mark == ToolMark(read_only=True, idempotent=True)
    assert tools["forget"].mark == ToolMark(destructive=True)
    assert [tools[name].result for name in ("find", "forget", "each")] == [list[Found], type(None), Found]
    assert [name for name, it in tools.items() if it.streams] == ["each"]
    assert (tools[CHAT].method, tools[CHAT].description) == ("talk", "Talk.")
    assert tools["forget"].description == "forget"


def test_the_parameters_of_a_tool_are_a_message_with_its_defaults() -> None:
    params: Any = declaration(Finder).tools["find"].params

    one, other = params(about="x", exact=True), params(about="x", exact=True)
    assert msgspec.structs.asdict(one) == {"about": "x", "tags": [], "limit": 3, "exact": True}
    assert one.tags is not other.tags
    with pytest.raises(TypeError, match="exact"):
        params(about="x")
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"about": "x", "exact": True, "more": 1}, params)


def test_listeners_and_timers_are_read() -> None:
    read = declaration(Finder)

    assert [(it.method, it.event) for it in read.listeners] == [("hear", MeetingEnded)]
    assert [(it.method, it.seconds) for it in read.timers] == [("tick", 1.5)]


def test_what_a_mad_inherits_it_declares() -> None:
    @mad
    class Better(Finder):
        """You find better."""

        extra: str = ""

    read = declaration(Better)

    assert set(read.tools) == set(declaration(Finder).tools)
    assert [it.name for it in read.fields] == ["scribe", "notes", "emit", "limit", "seen", "extra"]
    assert read.role == "You find better."


def test_a_subclass_that_is_not_marked_is_no_mad() -> None:
    class Plain(Finder):
        pass

    with pytest.raises(DeclarationError, match=r"Plain is no MAD; write @mad above `class Plain:`"):
        declaration(Plain)


Wrong = Callable[[], Any]


def untyped_argument() -> Any:
    @tool
    async def it(self: Any, about: str) -> None: ...

    del it.__annotations__["about"]
    return it


def untyped_result() -> Any:
    @tool
    async def it(self: Any, about: str) -> None: ...

    del it.__annotations__["return"]
    return it


def starred() -> Any:
    @tool
    async def it(self: Any, *about: str) -> None: ...

    return it


def positional() -> Any:
    @tool
    async def it(self: Any, about: str, /) -> None: ...

    return it


def what_cannot_travel() -> Any:
    @tool
    async def it(self: Any, about: Callable[[], None]) -> None: ...

    return it


def result_that_cannot_travel() -> Any:
    @tool
    async def it(self: Finder) -> Finder:
        return self

    return it


def stream_of_what() -> Any:
    @tool
    async def it(self: Any) -> Any:  # noqa: ARG001
        yield 1

    return it


def not_async() -> Any:
    def it(self: Any) -> None: ...

    offer: Any = tool
    return offer(it)


def hears_no_message() -> Any:
    @on(str)
    async def it(self: Any, event: str) -> None: ...

    return it


def hears_another() -> Any:
    async def it(self: Any, event: Note) -> None: ...

    hear: Any = on(MeetingEnded)
    return hear(it)


def answers_prose_with_more() -> Any:
    async def it(self: Any, text: str, tone: str) -> None: ...

    answer: Any = prose
    return answer(it)


def answers_prose_in_pieces() -> Any:
    async def it(self: Any, text: str) -> AsyncIterator[str]:  # noqa: ARG001
        yield text

    answer: Any = prose
    return answer(it)


def runs_by_the_clock_with_arguments() -> Any:
    async def it(self: Any, now: int) -> None: ...

    timed: Any = every(seconds=1)
    return timed(it)


def static() -> Any:
    return staticmethod(untyped_result())


MISTAKES = {
    untyped_argument: "it: write `about: T` with the type that travels",
    untyped_result: "it: write `-> T` with the type that travels",
    starred: "a call carries its arguments by name; replace `*about: str` by `name: T`",
    positional: "a call carries its arguments by name; replace `about: str` by `name: T`",
    what_cannot_travel: "it: the argument 'about' is of type Callable[[], None], which cannot travel: write a @message",
    result_that_cannot_travel: "it: the result is of type Finder, which cannot travel: write a @message class",
    stream_of_what: "it yields, so write `-> AsyncIterator[T]`, not Any",
    not_async: "it must be `async def it(…)` to be a tool",
    hears_no_message: "it: str is no message; write @message above `class str:`",
    hears_another: "it hears MeetingEnded, so write `async def it(self, event: MeetingEnded) -> None:`",
    answers_prose_with_more: "it: write `@prose` above `async def it(self, text: str) -> …`",
    answers_prose_in_pieces: "it yields, but prose cannot stream; return the answer: `async def it(self, text: str) ->",
    runs_by_the_clock_with_arguments: "it runs by the clock, so write `async def it(self) -> None:`",
    static: "must be a plain method, `async def name(self, …)`",
}


@pytest.mark.parametrize("wrong", MISTAKES)
def test_a_mistake_in_a_declaration_is_told_with_the_line_to_write(wrong: Wrong) -> None:
    cls: Any = mad(type("Clerk", (), {"it": wrong()}))

    with pytest.raises(DeclarationError) as error:
        declaration(cls)

    assert MISTAKES[wrong] in str(error.value)


def test_all_mistakes_are_told_at_once() -> None:
    cls: Any = mad(
        type("Clerk", (), {"a": untyped_result(), "b": hears_another(), "__annotations__": {"c": "Nothing"}})
    )

    with pytest.raises(DeclarationError) as error:
        declaration(cls)

    assert len(str(error.value).splitlines()) == 3


LOST = ("Absent", "Lacking")


def test_all_mistakes_of_one_method_are_told_at_once() -> None:
    @tool
    async def it(self: Any, about: Finder, tone: Finder) -> Finder:  # noqa: ARG001
        return about or tone

    @tool
    async def bare(self: Any, about: str, *rest: str) -> None: ...

    @tool
    async def lost(self: Any, about: str) -> None: ...

    lost.__annotations__.update({"about": "Absent", "return": "Lacking"})

    del bare.__annotations__["about"], bare.__annotations__["return"]
    read, mistakes = readable(mad(type("Clerk", (), {"it": it, "bare": bare, "lost": lost, "good": Finder.forget})))

    assert set(read.tools) == {"good"}
    assert [line.partition(": ")[2].split(" with")[0].split(" is of")[0] for line in mistakes] == [
        "a call carries its arguments by name; replace `*rest: str` by `name: T`",
        "write `about: T`",
        "write `-> T`",
        *("the result", "the argument 'about'", "the argument 'tone'"),
        *(f"nothing in {__name__} is named {name!r}; write `from … import {name}` at its top" for name in LOST),
    ]


def test_two_tools_of_one_name_are_refused() -> None:
    @mad
    class Twice:
        @tool
        async def chat(self) -> None: ...

        @prose
        async def talk(self, text: str) -> str:
            return text

    with pytest.raises(DeclarationError, match="offers two tools named 'chat'; rename one"):
        declaration(Twice)


def test_one_event_in_two_methods_is_refused() -> None:
    @message
    class Rang:
        times: int

    @mad
    class Porter:
        @on(Rang)
        async def open(self, event: Rang) -> None: ...

        @on(Rang)
        async def greet(self, event: Rang) -> None: ...

    with pytest.raises(DeclarationError, match="hears Rang in two methods; let one hear it and call the other"):
        declaration(Porter)


def test_a_method_has_one_mark() -> None:
    with pytest.raises(DeclarationError, match="marked twice; give each mark a method of its own"):
        tool(untyped_result())


def test_a_default_that_every_instance_would_share_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"use default_factory \(from dataclasses import field\)"):
        mad(type("Clerk", (), {"__annotations__": {"seen": list[str]}, "seen": []}))


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_a_timer_needs_seconds_above_zero(seconds: float) -> None:
    with pytest.raises(DeclarationError, match="write a number above 0"):
        every(seconds=seconds)
