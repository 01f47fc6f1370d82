"""`mads chat` and `mads emit`: prose to a MAD, and an event by hand."""

from __future__ import annotations

import json

import pytest

from tests.cli.shell import Mads

COVERS = ("R-025", "R-027", "R-148")

pytestmark = pytest.mark.slow


def test_an_answer_is_its_text_then_what_it_cites(parlour: Mads) -> None:
    ran = parlour("chat", "parrot", "hello")

    assert ran.returncode == 0
    assert ran.stdout.startswith("hello, hello\n\ncitations:\n  - cage.py:3\n  - cage.py:7\n")


def test_lines_from_a_pipe_are_one_conversation(parlour: Mads) -> None:
    ran = parlour("chat", "parrot", "--json", stdin="one\n\n  \ntwo\n")

    first, second = map(json.loads, ran.stdout.splitlines())
    assert [first["text"], second["text"]] == ["one, one", "two, two"]
    assert first["conversation"] == second["conversation"] != None  # noqa: E711  a chain of comparisons
    assert json.loads(parlour("chat", "parrot", "one", "--json").stdout)["conversation"] != first["conversation"]


def test_a_mad_that_answers_no_prose_says_that_no_model_is_configured(parlour: Mads) -> None:
    ran = parlour("chat", "witness", "hello")

    assert ran.returncode == 1
    assert "it has no @prose handler, and no model is configured that could answer for it" in ran.stderr
    assert "call witness.heard" in ran.stderr


def test_a_mad_that_is_not_there_is_a_wrong_usage(parlour: Mads) -> None:
    ran = parlour("chat", "parot", "hello")

    assert ran.returncode == 2
    assert "did you mean parrot?" in ran.stderr


def test_a_critical_event_that_does_not_fit_is_refused_by_the_system_and_kept(parlour: Mads) -> None:
    for name, field in (
        ("mads.StateChanged", "now=tired"),
        ("mads.StateChanged", "moon=full"),
        ("StateChanged.v9", "now=ended"),
    ):
        ran = parlour("emit", name, "mad=parrot", "was=running", field)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "mads.StateChanged.v" in ran.stderr

    letters = json.loads(parlour("dead", "list", "--json").stdout)
    assert [letter["tool"] for letter in letters] == [f"event.mads.StateChanged.v{version}" for version in (1, 1, 9)]
    assert "body:\n  mad: parrot\n  was: running\n  now: tired" in parlour("dead", "show", str(letters[0]["id"])).stdout
    for letter in letters:
        assert parlour("dead", "drop", str(letter["id"])).returncode == 0
    ran = parlour("emit", "mads.StateChanged", "mad=parrot", "was=running", "now=ended")
    assert (ran.returncode, ran.stdout) == (0, "mads.StateChanged.v1 is heard by nobody\n")


@pytest.mark.parametrize("name", ["Spoke", "parlour.Spoke", "parlour.Spoke.v1"])
def test_an_event_typed_by_its_own_schema_reaches_who_hears_it(name: str, parlour: Mads) -> None:
    ran = parlour("emit", name, f"text=by {name}", "loud=true")

    assert (ran.returncode, ran.stdout) == (0, "parlour.Spoke.v1 is heard by witness\n")
    heard = parlour("call", "witness.heard", f"text=by {name}", "--json")
    assert json.loads(heard.stdout) == [{"text": f"by {name}", "loud": True}]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["Spoken", "text=x"], "nobody hears 'Spoken'; what is heard: parlour.Spoke.v1"),
        (["Spoke", "txt=x"], "parlour.Spoke.v1 has no argument 'txt'; did you mean text=…?"),
        (["Spoke", "text=x", "loud=very"], "loud= wants BOOLEAN, not 'very'"),
    ],
)
def test_an_event_that_does_not_fit_is_a_wrong_usage(words: list[str], told: str, parlour: Mads) -> None:
    ran = parlour("emit", *words)

    assert ran.returncode == 2
    assert told in ran.stderr
