"""The commits of a folder are known as they are made, tell what changed when, and which files a change is about.

Covers real repositories: new commits, a rewritten history, folders within one, hostile settings, and what is hidden.
Does not cover how often the right file is named: `benchmarks/localise.py` says so.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mads.recall import history, learning
from mads.recall.files import listing
from mads.recall.filling import index
from mads.recall.history import Commit, commits, follow
from mads.recall.learning import learn
from mads.recall.localising import START, WAYS, evidence, likely, weights
from mads.recall.tables import EVERYONE, Reader, prepare
from mads.store.sqlite import Connection, connect

COVERS = ("R-063",)

WHO = {"GIT_AUTHOR_DATE": "@1000 +0000", "GIT_COMMITTER_DATE": "@1000 +0000", "GIT_CONFIG_GLOBAL": os.devnull}


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, env=os.environ | WHO)
    return done.stdout.decode().strip()


def commit(root: Path, message: str, **texts: str) -> str:
    for name, text in texts.items():
        (root / f"{name}.py").write_text(text, encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    db = connect(tmp_path / "index.sqlite")
    prepare(db)
    yield db
    db.close()


def subjects(db: Connection, about: str, reader: Reader = EVERYONE) -> list[str]:
    return [found.subject for found in commits(db, about, 9, reader)]


def test_commits_are_told_by_path_and_by_words_as_they_are_made(db: Connection, folder: Path) -> None:
    first = commit(folder, "Feed the zebra\n\nBecause of hunger.", zoo="1", hay="1")
    follow(db, folder)
    assert commits(db, "hunger", 9, EVERYONE) == [Commit(first, 1000, "Feed the zebra", ("hay.py", "zoo.py"))]
    commit(folder, "Close the gate", zoo="2")
    assert subjects(db, "zoo.py") == ["Feed the zebra"]
    follow(db, folder)
    assert subjects(db, "zoo.py") == ["Close the gate", "Feed the zebra"]
    assert subjects(db, "./hay.py") == ["Feed the zebra"]
    assert subjects(db, "lion") == subjects(db, "") == []


def test_a_history_that_was_rewritten_is_read_anew(db: Connection, folder: Path) -> None:
    commit(folder, "First", zoo="1")
    follow(db, folder)
    git(folder, "commit", "--quiet", "--amend", "--message", "Better")
    follow(db, folder)
    assert subjects(db, "zoo.py") == ["Better"]


def test_a_folder_within_a_repository_has_its_own_history(db: Connection, folder: Path) -> None:
    (folder / "inner").mkdir()
    commit(folder, "Outer", zoo="1")
    commit(folder / "inner", "Inner", zoo="1")
    follow(db, folder / "inner")
    assert subjects(db, "zoo.py") == ["Inner"]


def test_no_more_commits_are_kept_than_there_is_room_for(
    db: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST", 2)
    for number in range(3):
        commit(folder, f"Zebra {number}", zoo=f"{number}")
        follow(db, folder)
    assert subjects(db, "zoo.py") == subjects(db, "zebra") == ["Zebra 2", "Zebra 1"]


def test_without_git_or_commits_there_is_no_history(db: Connection, folder: Path, tmp_path: Path) -> None:
    for empty in (folder, tmp_path):
        follow(db, empty)
        assert subjects(db, "zoo.py") == []


def test_what_a_repository_would_have_git_run_is_not_run(db: Connection, folder: Path) -> None:
    commit(folder, "First", zoo="1")
    for name in ("core.fsmonitor", "core.pager", "diff.external", "gpg.program"):
        git(folder, "config", name, "touch ran;")
    git(folder, "config", "log.showSignature", "true")
    follow(db, folder)
    assert subjects(db, "zoo.py") == ["First"]
    assert not (folder / "ran").exists()


def test_what_is_hidden_is_in_no_commit(db: Connection, folder: Path) -> None:
    commit(folder, "Feed the zebra", zoo="1", hay="1")
    commit(folder, "Hide the zebra", zoo="2")
    follow(db, folder)
    blind = Reader(hidden=("zoo.*",))
    assert [found.files for found in commits(db, "zebra", 9, blind)] == [("hay.py",)]
    index(db, folder, listing(folder))
    assert likely(db, "zebra", reader=blind) == ["hay.py"]


def test_a_change_is_about_the_files_that_like_changes_touched(db: Connection, folder: Path) -> None:
    commit(folder, "Begin", zoo="a = 1", hay="b = 1", gate="c = 1")
    commit(folder, "The lion roars louder", gate="c = 2", hay="b = 2")
    follow(db, folder)
    index(db, folder, listing(folder))
    assert likely(db, "Let the lion roar", limit=2) == ["gate.py", "hay.py"]
    assert likely(db, "Correct zoo.py")[0] == "zoo.py"
    assert likely(db, "") is not None


def test_a_change_is_about_the_files_that_define_or_mention_the_names_in_it(db: Connection, folder: Path) -> None:
    commit(folder, "Begin", zoo="THE = LION", hay="def feed_the_lion():\n    pass\n", gate="feed_the_lion()\n")
    index(db, folder, listing(folder))
    assert likely(db, "Deprecate `feed_the_lion`", limit=2) == ["hay.py", "gate.py"]
    named = {path: row for path, row in evidence(db, "feed_the_lion()").items() if path != "zoo.py"}
    assert {path: row[WAYS.index("defines")] for path, row in named.items()} == {"hay.py": 1.0, "gate.py": 0.0}
    assert all(row[WAYS.index("mentions")] == 1.0 for row in named.values())


@pytest.mark.slow
def test_the_weights_are_learned_from_the_commits_once_there_are_enough(
    db: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "AFTER", 3)
    for number in range(3):
        commit(folder, f"Zebra {number}", zoo=f"{number}", **({} if number else {"hay": "1", "gate": "1"}))
    index(db, folder, listing(folder))
    assert not learn(db)
    follow(db, folder)
    assert learn(db)
    assert weights(db) != START
    assert not learn(db)
