"""Who is mentioned: a name after an @, and neither an address nor a path nor code.

Covers texts alone. Does not cover what becomes of a mention: tests/behaviour/test_conversations.py does.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.host.talk.mentions import mentioned, unknown

COVERS = ("R-025",)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@dewey where is it?", ["dewey"]),
        ("ask @Dewey, (@scribe) and @dewey's friend @bo.", ["dewey", "scribe", "bo"]),
        ("@dewey: yes… @scribe...\n@bo", ["dewey", "scribe", "bo"]),
        ("write to ana@example.org, @example.org or @scope/pkg, not a@b@c", []),
        ("`@tool` and ``a ` @b`` but `unclosed @c", ["c"]),
        ("```\n@tool\nasync def x\n```\n@bo", ["bo"]),
        ("~~~\n@tool never closed", []),
        ("@dewey-bot @1x @ @déwey x@y /@z", []),
        ("@under_score9", ["under_score9"]),
    ],
)
def test_a_mention_is_a_name_that_stands_by_itself(text: str, names: list[str]) -> None:
    assert mentioned(text) == names


@given(st.text(st.sampled_from("@ab `~\n.-/"), max_size=60))
def test_any_text_has_names_each_once(text: str) -> None:
    names = mentioned(text)
    assert len(names) == len({*names})
    assert all(f"@{name}" in text for name in names)


def test_a_name_that_nobody_has_is_told_with_those_that_there_are() -> None:
    assert unknown("deway", ["dewey", "bo"]) == "nobody is called @deway; did you mean @dewey?"
    assert unknown("x", ["dewey", "bo"]) == "nobody is called @x; there is @dewey, @bo"
    assert unknown("x", []) == "nobody is called @x; there is nobody who hears prose"
    assert unknown("x", [f"mad{n}" for n in range(9)]).endswith("and 1 more (mads ps)")
