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
        assert head.split()[:3] == ["ID", "TOOL", "SENDER"]
        assert row.split()[:3] == ["1", "desk.read", "courier"]
        assert row.endswith("rejected: nobody of that name")
        assert "    how: reject" in mads("dead", "show", "1").stdout
        assert mads("dead", "retry", "1").stdout == "command 1 is on its way again\n"
        until_dead(mads, attempts=2)
        assert mads("dead", "drop", "1", "--json").stdout == "1\n"
        assert json.loads(mads("dead", "list", "--json").stdout) == []
        gone = mads("dead", "show", "1", "--json")
        assert gone.returncode == 2
        assert "no dead letter 1" in json.loads(gone.stdout)["error"]["message"]


def until_dead(mads: Mads, *, attempts: int) -> None:
    """Wait until there is a dead letter that was tried so often."""
    until = time.monotonic() + PATIENCE
    while [it["attempts"] for it in json.loads(mads("dead", "list", "--json").stdout)] != [attempts]:
        assert time.monotonic() < until
