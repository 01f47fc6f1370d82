"""A setting is changed in the text of `mads.toml`, in which everything else stays as its author wrote it.

Does not cover what becomes of it in a system that runs: tests/cli/test_set.py does.
"""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.host.edit import edited
from mads.wire.errors import InvalidMessage

COVERS = ("R-133",)

TABLES = ("mads", "limits", "budget", "log")
TEXT = """\
# what runs here
[mads]
scribe = "scribe:Scribe"   # writes
desk = { use = "desk:Desk", at_once = 2 }

[mads.clerk]  # in a table of its own
use = "clerk:Clerk"

[[limits]]
rate = "5/min"  # a first

[[limits]]
rate = "6/min"

[budget]
system = "2 USD/day" # a day
"""


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"desk.at_once": "4"}, {'desk = { use = "desk:Desk", at_once = 4 }'}),
        ({"mads.desk.at_once": "auto"}, {'desk = { use = "desk:Desk", at_once = "auto" }'}),
        ({"scribe.inbox": "9"}, {'scribe = {use = "scribe:Scribe", inbox = 9}   # writes'}),
        ({"limits.2.rate": "7/min"}, {'rate = "7/min"'}),
        ({"budget.system": "3 USD/day"}, {'system = "3 USD/day" # a day'}),
        ({"budget.system": '["3 USD/day", "9 calls"]'}, {'system = ["3 USD/day", "9 calls"] # a day'}),
        ({'budget.tenants."a.b"': "1 USD"}, {"[budget.tenants]", '"a.b" = "1 USD"'}),
        ({"log.level": "debug"}, {"[log]", 'level = "debug"'}),
        ({"desk.at_once": ""}, {'desk = { use = "desk:Desk"  }'}),
        ({"desk.inbox": ""}, set[str]()),
    ],
)
def test_a_change_touches_the_lines_that_it_is_about(change: dict[str, str], lines: set[str]) -> None:
    before, after = TEXT.splitlines(), edited(TEXT, change, TABLES).splitlines()
    assert {line for line in after if line and line not in before} == lines
    assert len([line for line in before if line not in after]) <= 1


@pytest.mark.parametrize("key", ["", "rate", ".", "a..b", "limits.0.rate", "limits.3.rate", "limits.x.rate", "a b.c"])
def test_what_is_no_setting_is_told_with_what_to_write(key: str) -> None:
    with pytest.raises(InvalidMessage, match=r"write KEY=VALUE, as in scribe\.at_once=4"):
        edited(TEXT, {key: "1"}, TABLES)


@pytest.mark.parametrize("key", ["budget.system.x", "desk.use.x", "clerk.use.x.y"])
def test_what_is_below_a_value_is_no_setting(key: str) -> None:
    with pytest.raises(InvalidMessage, match="is no setting"):
        edited(TEXT, {key: "1"}, TABLES)


def test_a_mad_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InvalidMessage, match="names no MAD 'dask'; it names scribe, desk, clerk"):
        edited(TEXT, {"dask.at_once": "1"}, TABLES)


@given(st.text())
def test_whatever_is_written_as_a_value_becomes_one_value(value: str) -> None:
    after = tomllib.loads(edited(TEXT, {"budget.system": value}, TABLES))
    before = tomllib.loads(TEXT)
    assert after.keys() == before.keys()
    assert after["mads"] == before["mads"]
    assert after["budget"].keys() == ({"system"} if value else set())
