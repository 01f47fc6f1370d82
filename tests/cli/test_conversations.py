"""`mads conversations`, `mads capture` and a chat of many: what a person types, and what they see.

Covers the verbs against a running system. Does not cover what the record holds: tests/host does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Mads, project_in, up

COVERS = ("R-025", "R-055", "R-056", "R-147")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mads]:
    """Yield the command line beside a running system in which conversation 42 has three turns."""
    folder = project_in(tmp_path_factory.mktemp("table"))
    with up(folder):
        mads = Mads(folder)
        said = mads("chat", "--conversation", "#42", "@parrot hello, @witness and @nobody")
        assert said.stdout == "parrot: @parrot hello, @witness and @nobody, @parrot hello, @witness and @nobody\n"
        assert "nobody is called @nobody; there is @parrot" in said.stderr
        assert "@witness hears no prose" in said.stderr
        assert mads("chat", "parrot", "hi", "--conversation", "42").stdout.startswith("hi, hi\n")
        yield mads


def test_a_conversation_is_listed_and_shown(table: Mads) -> None:
    (listed,) = json.loads(table("conversations", "--mad", "parrot", "--json").stdout)
    assert (listed["id"], listed["participants"], listed["turns"]) == ("42", ["operator", "parrot"], 3)

    shown = table("conversations", "show", "42").stdout
    assert "   1  " in shown
    assert "  parrot  (answers 1)\n" in shown
    assert "operator → parrot\n      hi\n      parrot: hi, hi\n" in shown


def test_a_reply_stands_in_its_thread(table: Mads) -> None:
    table("chat", "--conversation", "threads", "the release")
    table("chat", "--conversation", "threads", "the weather")
    table("chat", "--conversation", "threads", "--thread", "1", "on Friday?")

    thread = json.loads(table("conversations", "show", "threads", "--thread", "1", "--json").stdout)
    assert [turn["text"] for turn in thread] == ["the release", "on Friday?"]


def test_a_label_counts_and_a_hold_refuses(table: Mads) -> None:
    table("chat", "--conversation", "7", "@parrot seven")
    assert (
        table("conversations", "label", "7", "corrected", "--turn", "2").stdout
        == "turn 2 of conversation 7 is corrected\n"
    )
    assert table("conversations", "label", "7", "approved").stdout == "conversation 7 is approved\n"
    assert table("conversations", "hold", "7", "--why", "court").stdout == "conversation 7 is held\n"

    refused = table("conversations", "erase", "7")
    assert refused.returncode == 1
    assert "conversation 7 is held: court; release it first: mads conversations release 7" in refused.stderr
    table("conversations", "release", "7")
    erased = json.loads(table("conversations", "erase", "7", "--json").stdout)
    assert (erased["rows"], erased["labels"], erased["found"]) == (2, 2, 0)
    assert "was erased on" in table("conversations", "show", "7").stderr
    assert "  7  " in table("conversations", "certificates").stdout


def test_what_is_exported_and_erased_comes_back_with_the_same_dataset(table: Mads, tmp_path: Path) -> None:
    file, learnt = str(tmp_path / "record.jsonl"), str(tmp_path / "learnt.jsonl")
    before = json.loads(table("capture", "dataset", "--out", learnt, "--json").stdout)
    assert json.loads(table("capture", "dataset", "--json").stdout)["sha256"] == before["sha256"]
    assert table("conversations", "export", "--all", file).returncode == 0
    table("conversations", "erase", "42")
    assert json.loads(table("capture", "dataset", "--json").stdout)["sha256"] != before["sha256"]

    assert json.loads(table("conversations", "import", file, "--json").stdout)["added"] == 3
    assert json.loads(table("capture", "dataset", "--json").stdout)["sha256"] == before["sha256"]
    assert json.loads(Path(learnt).read_text(encoding="utf-8").splitlines()[0])["schema"] == "mads.dataset"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["conversations", "show", "nowhere"], 2, "there is no conversation 'nowhere' on record"),
        (["conversations", "show", "4 2"], 2, "'4 2' is no conversation; an id has 1 to 128 letters"),
        (["conversations", "shwo", "42"], 2, "No such command 'shwo'"),
        (["conversations", "export", "42"], 2, "write: mads conversations export ID FILE"),
        (["conversations", "export", "42", "nowhere/42.jsonl"], 2, "there is no folder 'nowhere'; make it, or write"),
        (["conversations", "import", "nowhere.jsonl"], 2, "No such file or directory"),
        (["conversations", "label", "42", "good"], 2, "'good' is not one of"),
        (["conversations", "--since", "tomorrow"], 2, "'tomorrow' is no moment; write a date"),
        (["chat", "two words", "more"], 2, "is no MAD's name; write: mads chat"),
    ],
)
def test_a_mistake_says_what_to_write(words: list[str], code: int, told: str, table: Mads) -> None:
    ran = table(*words)
    assert ran.returncode == code
    assert told in ran.stderr


def test_stats_count_what_is_on_record(table: Mads) -> None:
    stats = json.loads(table("capture", "stats", "--json").stdout)
    assert stats["rows"] >= 3
    assert stats["labelled"] == 1.0
    assert stats["labels"]["ok"] > 0
