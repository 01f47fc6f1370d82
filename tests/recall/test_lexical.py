"""The index finds code by prose, ranks what does it before what tells of it, and takes any text as a query.

Covers what is found, where, in which order, and what is forgotten. Does not cover how well it ranks on real questions:
`benchmarks/recall.py` says so.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.recall import lexical
from mads.recall.files import listing
from mads.recall.filling import index, remove
from mads.recall.finding import Hit, search
from mads.recall.tables import FORMAT, prepare
from mads.store.sqlite import Connection, connect

COVERS = ("R-063",)

CODE = '''\
"""How long calls may take."""


def unrelated():
    """Return nothing."""


def inheritDeadline(parent, own):
    # the sooner of both
    return min(parent, own)
'''
TEST = """\
def test_inherit_deadline():
    assert inheritDeadline(1, 2) == 1
"""
PAGE = """\
# Calls
Each call has a deadline, which its children inherit.
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder")
    others = {f"other/{number}.txt": "something else" for number in range(10)}
    for path, text in {"src/calls.py": CODE, "tests/test_calls.py": TEST, "docs/calls.md": PAGE, **others}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def db(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    db = connect(tmp_path_factory.mktemp("index") / "index.sqlite")
    prepare(db)
    index(db, folder, listing(folder))
    yield db
    db.close()


def places(hits: list[Hit]) -> list[str]:
    return [f"{hit.path}:{hit.line}" for hit in hits]


def test_prose_finds_a_name_in_another_form_at_the_line_where_it_stands(db: Connection) -> None:
    [best, *_] = search(db, "How are deadlines inherited?")
    assert (best.path, best.line, best.symbol) == ("src/calls.py", 8, "inheritDeadline")
    assert best.excerpt == "def inheritDeadline(parent, own):\n    # the sooner of both\n    return min(parent, own)"
    assert best.score > 0


def test_what_does_it_comes_before_what_tells_of_it_and_what_proves_it(db: Connection) -> None:
    first, *others = places(search(db, "inherit a deadline"))
    assert (first, sorted(others)) == ("src/calls.py:8", ["docs/calls.md:2", "tests/test_calls.py:1"])


@pytest.mark.parametrize("proof", ["tests/calls.py", "testing/calls.py", "benchmarks/calls.py", "src/calls_test.py"])
def test_what_proves_or_measures_it_comes_last(tmp_path: Path, proof: str) -> None:
    texts = {proof: "deadline of a deadline", "zoo.py": "one deadline among other words", "zoo.md": "a deadline, said"}
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    db = connect(tmp_path / ".mads" / "index.sqlite")
    prepare(db)
    index(db, tmp_path, listing(tmp_path))
    assert [hit.path for hit in search(db, "deadline")][-1] == proof
    db.close()


def test_the_line_is_the_one_with_the_words(db: Connection) -> None:
    assert places(search(db, "the sooner")) == ["src/calls.py:9"]


def test_a_word_of_the_path_finds_the_file(db: Connection) -> None:
    assert {hit.path for hit in search(db, "docs")} == {"docs/calls.md"}


def test_no_more_is_found_than_asked_for(db: Connection) -> None:
    assert len(search(db, "calls", limit=2)) == 2


@pytest.mark.parametrize(
    "query",
    [
        "",
        '"',
        '"calls',
        "calls NEAR(",
        "calls AND",
        "(calls",
        "calls*",
        "symbol:calls",
        "{path}: calls",
        "^ - +",
        "🙂",
        "\0",
        "\ud800calls",
    ],
)
def test_the_syntax_of_full_text_search_has_no_meaning(db: Connection, query: str) -> None:
    assert {hit.path for hit in search(db, query)} <= {"src/calls.py", "docs/calls.md", "tests/test_calls.py"}


def test_a_query_may_be_as_long_as_it_likes(db: Connection) -> None:
    assert places(search(db, "sooner " + "x1 " * 350_000)) == ["src/calls.py:9"]


@given(query=st.text(max_size=200))
def test_any_text_is_a_query_and_what_is_found_can_be_looked_up(db: Connection, folder: Path, query: str) -> None:
    for hit in search(db, query):
        lines = (folder / hit.path).read_text(encoding="utf-8").split("\n")
        assert lines[hit.line - 1] in hit.excerpt


def test_common_words_weigh_and_do_not_widen_the_search(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "_ROWS", 1)
    assert places(search(db, "sooner deadline", limit=1)) == ["src/calls.py:9"]
    assert places(search(db, "deadline", limit=1)) == ["src/calls.py:8"]


def test_what_most_places_of_a_large_index_say_is_looked_for_where_nothing_else_is(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "_ROWS", 4)
    monkeypatch.setattr(lexical, "_MANY", 4)
    assert places(search(db, "something deadline", limit=1)) == ["src/calls.py:8"]
    assert {place.split(":")[0] for place in places(search(db, "something deadline"))} == {
        "src/calls.py",
        "tests/test_calls.py",
        "docs/calls.md",
    }
    assert places(search(db, "something")) == ["other/0.txt:1"]


def test_what_a_file_said_before_is_forgotten(tmp_path: Path) -> None:
    db = connect(tmp_path / "index.sqlite")
    prepare(db)
    for text in ("first words", "second words"):
        (tmp_path / "a.txt").write_text(text, encoding="utf-8")
        index(db, tmp_path, [file for file in listing(tmp_path) if file.path == "a.txt"])
    assert search(db, "first") == []
    assert places(search(db, "words")) == ["a.txt:1"]
    remove(db, ["a.txt"])
    assert search(db, "words") == []
    db.close()


@pytest.mark.parametrize("newer", [-1, 0, 1])
def test_an_index_of_another_format_or_with_other_tables_is_made_anew(tmp_path: Path, folder: Path, newer: int) -> None:
    db = connect(tmp_path / "index.sqlite")
    prepare(db)
    index(db, folder, listing(folder))
    db.execute("ALTER TABLE files RENAME COLUMN is_done TO was_done")
    db.pragma("user_version", FORMAT + newer)
    prepare(db)
    assert search(db, "deadline") == []
    index(db, folder, listing(folder))
    assert len(search(db, "deadline")) == 3
    db.close()
