"""`mads migrate`: looked at while the system runs, changed only while it does not, undone with a word where it loses.

Covers the verb on a real project, with steps planted beside those that are shipped. Does not cover every kind of loss:
tests/store/test_rehearsal.py does.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import mads as package
from tests.cli.shell import Mads, up

COVERS = ("R-140", "R-141")

pytestmark = pytest.mark.slow

Plant = Callable[[str], None]
LOSSY = "-- migrate:up\nUPDATE kept SET body = x'00';\n-- migrate:down\nSELECT 1;\n"


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Return what adds a step to a copy of the package, which `mads` then runs from."""
    copy = tmp_path / "lib" / "mads"
    shutil.copytree(Path(package.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(copy.parent))

    def write(text: str) -> None:
        (copy / "store" / "migrations" / "9000_planted.sql").write_text(text, encoding="utf-8")

    return write


def told(mads: Mads, *words: str, code: int = 0) -> Any:
    ran = mads("migrate", *words, "--json")
    assert ran.returncode == code, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def kept_one(mads: Mads) -> Path:
    """Run the system until something is kept, and return its database."""
    with up(mads.folder):
        assert mads("call", "parrot.tell", 'spoke={"text": "hello"}').returncode == 0
        assert mads("call", "witness.heard", "text=hello").returncode == 0
    return mads.folder / ".mads" / "store.sqlite"


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_a_plan_tries_what_is_lacking_on_a_copy_and_changes_nothing(project: Mads, plant: Plant) -> None:
    store = kept_one(project)
    assert told(project, "plan")["pending"] == []
    plant("-- migrate:up\nCREATE TABLE pages (x);\n-- migrate:down\nDROP TABLE pages;\n")
    before, files = digest(store), {*store.parent.iterdir()}
    seen = told(project, "plan")
    (step,) = seen["pending"]
    assert (step["name"], step["lost"], seen["refused"]) == ("9000_planted.sql", {"schema": [], "rows": {}}, [])
    assert step["up_ms"] > 0
    assert digest(store) == before
    assert {*store.parent.iterdir()} == files
    assert "undone exactly" in project("migrate", "plan").stdout


def test_a_lossy_step_is_refused_until_it_says_so_and_then_a_copy_is_made(project: Mads, plant: Plant) -> None:
    store = kept_one(project)
    before = digest(store)
    plant(LOSSY)
    assert "does not bring back 1 row of kept" in told(project, "plan", code=1)["refused"][0]
    for words in (("migrate", "up"), ("up",)):
        ran = project(*words)
        assert (ran.returncode, "9000_planted.sql is lossy and does not say so" in ran.stderr) == (1, True)
    assert digest(store) == before
    plant(LOSSY.replace("UPDATE", "-- mads:lossy it was all wrong\nUPDATE"))
    done = told(project, "up")
    assert (done["steps"], done["at"]) == (["9000_planted.sql"], "9000")
    assert Path(done["backup"]).stat().st_mode & 0o077 == 0
    assert told(project, "plan")["at"] == "9000"
    ran = project("migrate", "down")
    assert (ran.returncode, "cannot be undone exactly: it was all wrong" in ran.stderr) == (2, True)
    assert told(project, "down", "--yes")["steps"] == ["9000_planted.sql"]


def test_what_undoing_loses_is_said_and_done_only_with_a_yes(project: Mads) -> None:
    store = kept_one(project)
    before = digest(store)
    ran = project("migrate", "down", "0")
    assert ran.returncode == 2
    assert "undoing 0001_kept.sql loses 1 row of kept" in ran.stderr
    assert "--yes" in ran.stderr
    assert digest(store) == before
    done = told(project, "down", "0", "--yes")
    assert (done["steps"][-1], done["at"]) == ("0001_kept.sql", "0000")
    shutil.copy(done["backup"], store)
    with up(project.folder):
        assert json.loads(project("call", "witness.heard", "text=hello", "--json").stdout)[0]["text"] == "hello"


def test_a_system_that_runs_is_planned_for_and_not_changed(project: Mads) -> None:
    with up(project.folder) as (core, _):
        assert project("call", "parrot.tell", 'spoke={"text": "hello"}').returncode == 0
        assert project("call", "witness.heard", "text=hello").returncode == 0
        assert told(project, "plan")["refused"] == []
        for words in (("up",), ("down", "--yes")):
            assert "end that first" in told(project, *words, code=2)["error"]["message"]
        core.send_signal(signal.SIGKILL)  # what it wrote is only in the log now
        core.wait()
        store = project.folder / ".mads" / "store.sqlite"
        before = (digest(store), digest(store.with_name("store.sqlite-wal")))
        assert told(project, "plan")["pending"] == []
        assert before == (digest(store), digest(store.with_name("store.sqlite-wal")))


def test_a_database_that_cannot_be_read_is_refused_and_left_as_it_is(project: Mads) -> None:
    store = kept_one(project)
    content = bytearray(store.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    store.write_bytes(content)
    for words in (("migrate", "plan"), ("migrate", "up"), ("migrate", "down"), ("up",)):
        ran = project(*words)
        assert (ran.returncode, f"{store}: it is damaged; move it out" in ran.stderr) == (1, True), ran.stderr
    assert store.read_bytes() == content


def test_there_is_nothing_to_undo_in_a_new_project(project: Mads) -> None:
    assert "no step to undo" in told(project, "down", code=2)["error"]["message"]
