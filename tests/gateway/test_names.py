"""Names that clients see: made in one way, and refused where they would not work."""

from __future__ import annotations

import pytest

from mads.gateway import names
from mads.wire.errors import ConfigError
from tests.gateway.desk import TEXT, tool


def test_a_tool_has_one_listed_name_and_two_more() -> None:
    assert names.accepted(tool("dewey", "search", TEXT)) == ("dewey_search", "dewey.search", "mads.dewey.search")


def test_every_name_that_would_not_work_is_told_at_once() -> None:
    long = "s" * 60
    tools = [tool("a", "b_c", TEXT), tool("a_b", "c", TEXT), tool("dewey", long, TEXT), tool("bücher", "suche", TEXT)]
    with pytest.raises(ConfigError) as caught:
        names.check(tools)
    collision, length, letters = str(caught.value).splitlines()
    assert "could not tell mads.a_b.c from mads.a.b_c, both are 'a_b_c'" in collision
    assert "66 characters where 64 are allowed" in length
    assert "'bücher_suche'" in letters


def test_a_name_of_64_characters_is_accepted() -> None:
    names.check([tool("dewey", "s" * 58, TEXT)])
