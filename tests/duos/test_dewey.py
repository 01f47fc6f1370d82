"""Dewey finds things in a folder, cites where they stand, and says what it could not look at.

Covers its tools, its timer and the folders it refuses, with real child processes. Does not cover the ranking, which is
`mads.recall`'s.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mads.author.declaration import declaration
from mads.duos.dewey import Answer, Dewey, Found, IndexProgress, librarian
from mads.host.workers import ProcessWorkers
from mads.recall.files import MAX_BYTES
from mads.recall.upkeep import BATCH_BYTES
from mads.testing import emitting, ticking, turning
from mads.wire import codec
from mads.wire.errors import ConfigError, InvalidMessage

COVERS = ("R-004", "R-063")

Hire = Callable[[Path], Dewey]


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessWorkers]:
    workers = ProcessWorkers()
    yield workers
    workers.close()


@pytest.fixture
def hire(workers: ProcessWorkers, tmp_path: Path) -> Hire:
    def hire(folder: Path) -> Dewey:
        return Dewey(
            workers=workers,
            turn=turning(),
            emit=emitting(),
            clock=ticking(),
            folder=str(folder),
            index=str(tmp_path / "index"),
        )

    return hire


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "zoo.py").write_text('"""A zoo."""\n\n\ndef feedZebra():\n    """Give hay."""\n', encoding="utf-8")
    (folder / "odd name\nof two lines.md").write_text("# Giraffes\n\nThey eat leaves.\n", encoding="utf-8")
    return folder


def commit(folder: Path, message: str) -> None:
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", message]):
        command = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments]
        subprocess.run(command, cwd=folder, check=True)


async def test_what_is_found_is_cited_by_path_and_line(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    found = await dewey.search("how are zebras fed?")
    assert (found.citations, found.complete, found.note) == (("zoo.py:4",), True, "")
    assert found.hits[0].symbol == "feedZebra"
    assert codec.decode(codec.encode(found), Found) == found


async def test_a_citation_resolves_whatever_the_file_is_called(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    [citation] = (await dewey.search("who eats leaves", limit=1)).citations
    path, _, line = citation.rpartition(":")
    assert "leaves" in (folder / path).read_text(encoding="utf-8").split("\n")[int(line) - 1]


async def test_a_changed_file_is_found_again(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    (folder / "zoo.py").write_text("def feedLion(): ...\n", encoding="utf-8")
    await dewey.refresh()
    assert (await dewey.search("lion")).citations == ("zoo.py:1",)
    assert (await dewey.search("zebra")).citations == ()


async def test_from_a_hit_one_reads_on_and_a_name_is_read_as_well(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    [citation] = (await dewey.search("zebra")).citations
    assert await dewey.read(citation) == await dewey.read("feedZebra")
    assert (await dewey.read(citation)).text == 'def feedZebra():\n    """Give hay."""\n'.rstrip()
    assert [entry.symbol for entry in await dewey.outline("zoo.py")] == ["", "feedZebra"]
    with pytest.raises(InvalidMessage, match=r"nothing stands at 'feedLion'; write a citation"):
        await dewey.read("feedLion")


async def test_why_a_file_is_as_it_is_is_told_by_the_decisions_that_govern_it(hire: Hire, folder: Path) -> None:
    (folder / "docs" / "adr").mkdir(parents=True)
    text = '---\nid: "0007"\nstatus: "accepted"\naffects: ["zoo.py"]\n---\n# Hay, not straw\n'
    (folder / "docs" / "adr" / "0007-hay.md").write_text(text, encoding="utf-8")
    dewey = hire(folder)
    await dewey.refresh()
    [decision] = await dewey.why("feedZebra")
    assert (decision.id, decision.title, decision.citation) == ("0007", "Hay, not straw", "docs/adr/0007-hay.md:1")
    assert await dewey.why("feedLion") == []


async def test_what_bears_a_label_is_there_for_its_readers_alone(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    dewey.labels = {"zoo.*": "animals"}
    assert (await dewey.search("zebra")).citations == ()
    for readers in (("tester",), ("tenant:default",)):
        dewey.readers = {"animals": readers}
        assert (await dewey.search("zebra")).citations == ("zoo.py:4",)


@pytest.mark.slow
async def test_its_history_and_meaning_follow_in_the_background(hire: Hire, folder: Path) -> None:
    commit(folder, "Hay for all")
    dewey = hire(folder)
    await dewey.refresh()
    await dewey.study()
    [made] = (await dewey.history("zoo.py")).commits
    assert (made.subject, len(made.files)) == ("Hay for all", 2)
    assert (await dewey.search("what do long-necked animals consume")).hits[0].symbol == "Giraffes"


async def test_a_question_is_answered_with_the_passages_and_their_citations(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    answer = await dewey.answer("How do I feed a zebra?")
    assert answer == Answer(
        "No model is configured. These passages fit best, word for word:\n\n"
        'zoo.py:4  feedZebra\n```\ndef feedZebra():\n    """Give hay."""\n```',
        ("zoo.py:4",),
    )


async def test_a_question_about_nothing_in_the_folder_is_answered_so(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    assert await dewey.answer("quantum") == Answer("No model is configured. Nothing fits these words.", ())


async def test_a_search_before_everything_is_indexed_waits_a_little_and_says_so(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    found = await dewey.search("zebra")
    assert (found.citations, found.complete, found.note) == ((), False, "still indexing: 0 of 0 files")
    assert isinstance(dewey.turn, turning)
    assert dewey.turn.told
    assert dewey.clock.elapsed().total_seconds() <= librarian.PATIENCE + librarian.SLICE


async def test_a_search_says_how_many_files_could_not_be_read(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    (folder / "latin.txt").write_bytes("zébra".encode("latin-1"))
    await dewey.refresh()
    found = await dewey.search("zebra")
    assert (found.complete, found.note) == (True, "1 file was not read: too large, not UTF-8 text, or not allowed")
    (folder / "large.txt").write_text("zebra " * MAX_BYTES, encoding="utf-8")
    await dewey.refresh()
    assert (await dewey.search("zebra")).note.startswith("2 files were not read: ")


async def test_a_search_of_an_empty_folder_does_not_wait(hire: Hire, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    dewey = hire(tmp_path / "empty")
    await dewey.refresh()
    assert (await dewey.search("zebra")).complete
    assert dewey.clock.elapsed().total_seconds() == 0


async def test_a_search_leaves_its_caller_half_of_the_time(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    dewey.turn = turning(remaining=1.0)
    await dewey.search("zebra")
    assert dewey.clock.elapsed().total_seconds() <= 0.5 + librarian.SLICE


async def test_long_work_is_told_as_it_proceeds(hire: Hire, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        (folder / f"{number}.txt").write_text(f"{number}" * BATCH_BYTES, encoding="utf-8")
    monkeypatch.setattr(librarian, "SLICE", 0)
    monkeypatch.setattr(librarian, "FEW", 0)
    dewey = hire(folder)
    await dewey.refresh()
    assert isinstance(dewey.emit, emitting)
    assert dewey.emit.events[-1] == IndexProgress(4, 4, str(folder))
    assert [event.done for event in dewey.emit.events] == sorted({event.done for event in dewey.emit.events})


async def test_short_work_is_not_told(hire: Hire, folder: Path) -> None:
    dewey = hire(folder)
    await dewey.refresh()
    assert isinstance(dewey.emit, emitting)
    assert dewey.emit.events == []


async def test_a_folder_that_is_not_there_is_an_error_that_says_what_to_write(hire: Hire, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing.*set = \{ folder = "):
        hire(tmp_path / "missing")
    (tmp_path / "missing").mkdir()
    dewey = hire(tmp_path / "missing")
    (tmp_path / "missing").rmdir()
    for attempt in (dewey.refresh(), dewey.search("zebra"), dewey.answer("zebra")):
        with pytest.raises(ConfigError, match=r"missing.*set = \{ folder = "):
            await attempt


def test_it_is_declared_as_any_mad_is() -> None:
    declared = declaration(Dewey)
    assert sorted(declared.tools) == ["chat", "history", "outline", "read", "search", "why"]
    assert declared.tools["search"].mark.read_only
    assert [(timer.method, timer.seconds) for timer in declared.timers] == [("refresh", 2), ("study", 2)]
