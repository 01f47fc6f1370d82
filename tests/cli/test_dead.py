"""`mads dead`: what was given up can be listed, shown, tried again and forgotten from the command line.

Covers the verb. Does not cover when a command is given up: tests/behaviour/test_commands.py does.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.shell import PATIENCE, Mads, up
from tests.host.posting import ROOT

COVERS = ("R-041",)

pytestmark = pytest.mark.slow

PROJECT = f"""
path = ["{ROOT}"]

[gateway]
port = 0

[mads]
courier = "tests.behaviour.post:Courier"
desk = {{ use = "tests.behaviour.post:Desk", run = "process" }}
"""


def test_a_dead_letter_is_listed_shown_tried_again_and_forgotten(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(PROJECT, encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path):
        assert mads("call", "courier.post", 'letter={"text": "odd", "how": "reject"}').stdout == "1\n"
        until_dead(mads, attempts=1)

        head, row = mads("dead", "list").stdout.splitlines()
        assert head.split()[:3] == ["ID", "WHAT", "SENDER"]
        assert row.split()[:3] == ["1", "desk.read", "courier"]
        assert row.endswith("rejected: nobody of that name")
        assert "    how: reject" in mads("dead", "show", "1").stdout
        assert mads("dead", "retry", "1").stdout == "letter 1 is on its way again\n"
        until_dead(mads, attempts=2)
        assert mads("dead", "drop", "1", "--json").stdout == "1\n"
        assert json.loads(mads("dead", "list", "--json").stdout) == []
        for how in ("one", "two"):
            mads("call", "courier.post", f'letter={{"text": "{how}", "how": "refuse"}}')
        until_dead(mads, attempts=1, count=2)
        assert mads("dead", "list", "--why", "no such words").stdout.splitlines()[1:] == []
        assert mads("dead", "retry", "--all", "--tool", "desk").stdout == "2 letters are on their way again\n"
        until_dead(mads, attempts=2, count=2)
        for words in (("drop",), ("drop", "2", "--all"), ("drop", "2", "--tool", "desk")):
            assert "write `mads dead drop ID`, or `mads dead drop --all`" in mads("dead", *words).stderr
        assert "'7' is no span; write a number and s, m, h or d" in mads("dead", "drop", "--older-than", "7").stderr
        assert mads("dead", "drop", "--all", "--older-than", "7d").stdout == "0 letters are forgotten\n"
        assert mads("dead", "drop", "--all", "--json").stdout == "2\n"
        gone = mads("dead", "show", "1", "--json")
        assert gone.returncode == 2
        assert "no dead letter 1" in json.loads(gone.stdout)["error"]["message"]


def until_dead(mads: Mads, *, attempts: int, count: int = 1) -> None:
    """Wait until there are so many dead letters, each tried so often."""
    until = time.monotonic() + PATIENCE
    while [it["attempts"] for it in json.loads(mads("dead", "list", "--json").stdout)] != [attempts] * count:
        assert time.monotonic() < until
