"""What is certain to go wrong in a MAD's methods is found from their source, and nothing that may be right."""

import importlib
import itertools
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from herald import Herald
from mads.author.declaration import declaration
from mads.author.lint import mistakes
from mads.duos.dewey import Dewey
from mads.duos.fiedler import Fiedler
from mads.duos.marco import Marco
from mads.duos.steward import Steward
from mads.duos.turing import Turing
from scribe import Scribe

COVERS = ("R-022", "R-024")

HEAD = """
import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any, Protocol

from mads import Clock, Emit, Kept, Log, Random, Think, Turn, Workers, mad, message, tool
from scribe import MeetingEnded, Note, Scribe

QUESTION = "What was decided?"

@message
class Page:
    number: int
    tags: list[str] = []
    next: "Page | None" = None

class Plain:
    pass

@mad
class Reader:
    @tool
    async def pages(self, about: str, *, limit: int = 10) -> AsyncIterator[Page]:
        yield Page(number=limit)

    @tool
    async def page(self, number: int = 1) -> Page:
        return Page(number=number)

    async def secret(self) -> None:
        pass

@mad
class Clerk:
    scribe: Scribe
    reader: Reader
    notes: Kept[Note]
    think: Think
    emit: Emit
    log: Log
    turn: Turn
    workers: Workers
    random: Random
    clock: Clock
    topic: str = "release"

    def own(self, number: int) -> int:
        return number

    async def keep(self, *notes: Note) -> None:
        pass

    @tool
    async def work(self, page: Page, note: Note, about: str, count: int) -> list[Page]:
"""

names = itertools.count()


def found(body: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is found in a method with this body."""
    name = f"clerk_{next(names)}"
    (folder / f"{name}.py").write_text(HEAD + textwrap.indent(textwrap.dedent(body).strip(), " " * 8) + "\n")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    lines = mistakes(declaration(importlib.import_module(name).Clerk))
    return [line.split(": ", 1)[1] for line in lines]


CERTAIN = {
    # tools and what they are given
    "await self.reader.pges()": "Reader has no tool 'pges'; did you mean 'pages'? Write `self.reader.pages(…)`",
    "await self.reader.secret()": "Reader keeps 'secret' to itself; write @tool above `def secret(…)`",
    "await self.scribe.notes.where()": (
        "Scribe has no tool 'notes'; did you mean 'recall'? Write `self.scribe.recall(…)`"
    ),
    "await self.scribe.recall()": (
        "self.scribe.recall: missing a required argument: 'about'; write `self.scribe.recall(about=\"…\")`"
    ),
    "await self.scribe.recall(abuot=about)": (
        "self.scribe.recall: no argument is named 'abuot', did you mean 'about'?; "
        'write `self.scribe.recall(about="…")`'
    ),
    "await self.scribe.recall(about, 3)": (
        'self.scribe.recall: too many positional arguments; write `self.scribe.recall(about="…")`'
    ),
    "await self.reader.page('1')": "self.reader.page: number is of type int, not '1'; write `self.reader.page()`",
    "await self.reader.page(note)": "self.reader.page: number is of type int, not note; write `self.reader.page()`",
    "await self.scribe.write(page)": (
        "self.scribe.write: note is of type Note, not page; write `self.scribe.write(note=Note(about=…, text=…))`"
    ),
    "await self.scribe.write(Page(number=1))": (
        "self.scribe.write: note is of type Note, not Page(number=1); "
        "write `self.scribe.write(note=Note(about=…, text=…))`"
    ),
    "Note(about=count, text='')": 'Note: about is of type str, not count; write `Note(about="…", text="…")`',
    "await self.notes.where(abot=about)": (
        "self.notes.where: no argument is named 'abot', did you mean 'about'?; write `self.notes.where()`"
    ),
    "await self.notes.add(page)": (
        "self.notes.add: value is of type Note, not page; write `self.notes.add(value=Note(about=…, text=…))`"
    ),
    "self.log.info('sold', event='tea')": (
        "self.log.info: multiple values for argument 'event'; write `self.log.info(event=\"…\")`"
    ),
    "self.own('1')": "self.own: number is of type int, not '1'; write `self.own(number=…)`",
    "self.press_room.recall(about)": "Clerk has no 'press_room'; write `press_room: PressRoom` among its fields",
    "self.thnk('Why?')": "Clerk has no 'thnk'; write `self.think`",
    # results
    "return [Note(about=about, text='')]": (
        "work returns list[Page], not [Note(about=about, text='')]; write `return [Page(number=…, tags=…, next=…)]`"
    ),
    "return page": "work returns list[Page], not page; write `return [Page(number=…, tags=…, next=…)]`",
    "return": "work returns list[Page], not None; write `return [Page(number=…, tags=…, next=…)]`",
    "return [1]": "work returns list[Page], not [1]; write `return [Page(number=…, tags=…, next=…)]`",
    "return [one.text for one in await self.notes.where()]": (
        "work returns list[Page], not [one.text for one in await self.notes.where()]; "
        "write `return [Page(number=…, tags=…, next=…)]`"
    ),
    "one: Page = await self.scribe.recall(about)": (
        "await self.scribe.recall(about) gives list[Note], not Page; "
        "write `one: list[Note] = await self.scribe.recall(about)`"
    ),
    # values that cannot change
    "page.number += 1": (
        "page.number cannot change: Page is a value; write `page = Page(number=…, tags=page.tags, next=page.next)`"
    ),
    "del note.text": "note.text cannot change: Note is a value; write `note = Note(about=note.about, text=…)`",
    "page.tags.append(about)": (
        "page.tags cannot change: Page is a value; write `page = Page(number=page.number, tags=…, next=page.next)`"
    ),
    "page.tags[0] = about": (
        "page.tags cannot change: Page is a value; write `page = Page(number=page.number, tags=…, next=page.next)`"
    ),
    "for one in await self.scribe.recall(about):\n    one.text = about": (
        "one.text cannot change: Note is a value; write `one = Note(about=one.about, text=…)`"
    ),
    "async for one in self.reader.pages(about):\n    one.tags.clear()": (
        "one.tags cannot change: Page is a value; write `one = Page(number=one.number, tags=…, next=one.next)`"
    ),
    # needs
    "await self.emit('done')": "'done' is no event; write `await self.emit(…)` with a @message in it",
    "await self.emit({'to': about})": "{'to': about} is no event; write `await self.emit(…)` with a @message in it",
    "await self.emit(Note)": "Note is a class, no event; write `await self.emit(Note(about=…, text=…))`",
    "await self.emit(Plain())": "Plain is no message; write @message above `class Plain:`",
    "await self.think(f'What of {about} on {note.text}?')": (
        "a question is a literal, and what varies is material; "
        'write `await self.think("What of … on …?", about, note.text)`'
    ),
    "await self.think('What of ' + about)": (
        'a question is a literal, and what varies is material; write `await self.think("What of …", about)`'
    ),
    "await self.think('What of {}?'.format(about))": (
        'a question is a literal, and what varies is material; write `await self.think("What of …?", about)`'
    ),
    # coroutines and streams
    "self.scribe.write(note)": "self.scribe.write is not awaited; write `await self.scribe.write(note)`",
    "for one in self.scribe.recall(about): pass": (
        "self.scribe.recall is not awaited; write `await self.scribe.recall(about)`"
    ),
    "[one for one in self.scribe.recall(about)]": (
        "self.scribe.recall is not awaited; write `await self.scribe.recall(about)`"
    ),
    "self.scribe.recall(about)[0]": "self.scribe.recall is not awaited; write `await self.scribe.recall(about)`",
    "self.emit(note)": "self.emit is not awaited; write `await self.emit(note)`",
    "self.keep(note)": "self.keep is not awaited; write `await self.keep(note)`",
    "return self.work(page, note, about, 1)": (
        "self.work(page, note, about, 1) is not awaited; write `return await self.work(page, note, about, 1)`"
    ),
    "for one in self.reader.pages(about): pass": (
        "self.reader.pages streams; write `async for … in self.reader.pages(about)`"
    ),
}

MAY_BE_RIGHT = (
    "calls = [self.scribe.recall(one) for one in ('a', 'b')]\nawait asyncio.gather(*calls)",
    "task = asyncio.create_task(self.scribe.recall(about))\nawait task",
    "call = self.scribe.recall(about)\ncall.close()",
    "await self.scribe.recall(*[about])\nawait self.scribe.recall(**{'about': about})",
    "await self.scribe.write(note=note)\nawait self.scribe.recall(about=about)",
    "note = Page(number=1)\nawait self.scribe.write(note)",
    "about = 3\nawait self.reader.page(about)",
    "if isinstance(note, Note):\n    note = note.text\nawait self.scribe.recall(note)",
    "one = Page(number=1, tags=[])\none.tags.append(about)\nreturn [one]",
    "one: Page = Page(number=1, tags=[])\none.tags.append(about)",
    "tags = list(page.tags)\ntags.append(about)",
    "self.count = count\nreturn [Page(number=self.count)]",
    "def page() -> int:\n    return 3\npage()",
    "def inner(note):\n    note.text = 'x'\nreturn []",
    "check = lambda note: setattr(note, 'x', 1)\nself.anything.goes()",
    "return [page] if page.next is None else [page.next]",
    "return [one async for one in self.reader.pages(about)]",
    "return [Page(number=n) for n in range(count)]",
    "return []",
    "return list(map(Page, range(count)))",
    "pages: list[Page] = []\nreturn pages + [page]",
    "pages: list[Any] = await self.scribe.recall(about)",
    "pages: object = await self.scribe.recall(about)",
    "some: 'list[Note] | None' = await self.scribe.recall(about)",
    "await self.think(QUESTION, about)",
    "await self.think(f'{QUESTION} Be short.', note.text)",
    "await self.think('What was decided? ' 'Be short.' + ' Thank you.', note)",
    "question = 'Why?'\nawait self.think(question)",
    "await self.think(random.choice(['Why?', 'How?']))",
    "for one in await self.think('What?', about, returning=list[Note]):\n    await self.scribe.write(one)",
    "event: Any = note\nawait self.emit(event)",
    "await self.emit(MeetingEnded(transcript=about), key=about)",
    "Note = page\nawait self.emit(Note)",
    "await self.notes.where(about=about)\nawait self.notes.remove()",
    "self.random.choice('abc')\nself.random.choice([1, 2])\nawait self.clock.sleep(1)\nself.clock.now().year",
    "total = await self.workers.run(sum, [1, 2])\nself.log.info('sum', total=total)",
    "self.turn.progress(1, 2.5, note='half')\nself.turn.progress(count, total=count)",
    "match note:\n    case Note(text=about):\n        await self.scribe.recall(about)",
    "with open('x') as page:\n    page.number = 3",
    "try:\n    pass\nexcept ValueError as note:\n    note.text = 'x'",
    "import json as page\npage.number = 3",
    "one = two\ntwo = one\nawait self.scribe.recall(one)",
    "await self.keep()\nawait self.keep(note, note)",
    "super().work\nself.work.__name__\nself.__class__",
)


@pytest.mark.parametrize("body", CERTAIN)
def test_a_certain_mistake_is_found_with_the_line_to_write(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(body, tmp_path, monkeypatch) == [CERTAIN[body]]


@pytest.mark.parametrize("body", MAY_BE_RIGHT)
def test_what_may_be_right_is_left_alone(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(body, tmp_path, monkeypatch) == []


def test_the_place_is_the_line_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late.py").write_text(HEAD + "        pass\n        del note.text\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    (line,) = mistakes(declaration(importlib.import_module("late").Clerk))

    assert line.startswith(f"{tmp_path / 'late.py'}:{HEAD.count(chr(10)) + 2}: note.text cannot change")


def test_nothing_is_found_in_the_examples_and_in_what_is_built_in() -> None:
    for mad in (Scribe, Herald, Steward, Dewey, Fiedler, Marco, Turing):
        assert mistakes(declaration(mad)) == []


def test_a_class_without_source_is_left_alone() -> None:
    space: dict[str, Any] = {"__name__": __name__}
    exec("from mads import mad\n@mad\nclass Ghost:\n    async def haunt(self) -> None:\n        self.house\n", space)  # noqa: S102

    assert mistakes(declaration(space["Ghost"])) == []
