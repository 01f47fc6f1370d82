"""`mads set`: a setting changes in the file and in the system that runs, wherever its MADs are, and over a restart.

Does not cover how the file is written: tests/host/test_edit.py does; nor what becomes of counters: tests/guard do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Mads, up

COVERS = ("R-133",)
pytestmark = pytest.mark.slow

CODE = '''
from asyncio import gather

from mads import Clock, Log, mad, tool


@mad
class Hall:
    """You know how many stand here."""

    clock: Clock
    log: Log
    inside: int = 0
    most: int = 0

    @tool
    async def enter(self) -> None:
        """Stand here for a while."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.clock.sleep(0.2)
        self.inside -= 1

    @tool
    async def seen(self) -> int:
        """Return how many stood here at once at most since this was asked, and say so."""
        most, self.most = self.most, 0
        self.log.info("asked")
        return most


@mad
class Street:
    """You send people into both halls."""

    near: Hall
    far: Hall

    @tool
    async def rush(self) -> list[int]:
        """Send five at once into each; return how many stood there at once at most."""
        for hall in (self.near, self.far):
            await hall.seen()
        await gather(*(hall.enter() for hall in [self.near, self.far] * 5))
        return [await self.near.seen(), await self.far.seen()]
'''
FILE = """\
# who runs here
[mads]
near = "hall:Hall"  # here
far = { use = "hall:Hall", run = "process" }
street = "hall:Street"

[gateway]
port = 0

[[limits]]
tool = "mads.near.seen"
each = "principal"
rate = "600/min"

[budget]
system = "2 USD/day"  # for all
"""


@pytest.fixture
def hall(tmp_path: Path) -> Mads:
    (tmp_path / "hall.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "mads.toml").write_text(FILE, encoding="utf-8")
    return Mads(tmp_path)


def changed(mads: Mads, *words: str) -> Mapping[str, Any]:
    """Return what changed, by its key, with whether it counts."""
    done = mads("set", *words, "--json")
    assert done.returncode == 0, done.stderr
    return {each["key"]: (each["was"], each["now"], each["counts"]) for each in json.loads(done.stdout)}


def rush(mads: Mads) -> list[int]:
    """Return how many of five that come together stand at once in the hall that is near, and in that which is far."""
    found: list[int] = json.loads(mads("call", "street.rush", "--json").stdout)
    return found


def test_how_many_calls_are_handled_changes_at_once_and_for_good(hall: Mads) -> None:
    with up(hall.folder):
        assert changed(hall, "near.at_once=1", "far.at_once=2", "far.inbox=7") == {
            "mads.near.at_once": (8, 1, True),
            "mads.far.at_once": (8, 2, True),
            "mads.far.inbox": (256, 7, True),
        }
        assert rush(hall) == [1, 2]
        assert changed(hall, "near.at_once=4", "far.inbox=") == {
            "mads.near.at_once": (1, 4, True),
            "mads.far.inbox": (7, 256, True),
        }
        assert hall("restart", "far").returncode == 0
        assert rush(hall) == [4, 2]
        rows = json.loads(hall("audit", "list", "--json").stdout)
        told = [(row["subject"], row["rule"]) for row in rows if row["kind"] == "setting"]
        assert told[0] == ("mads.near.at_once", "1 instead of 8")
    assert "# who runs here" in (text := (hall.folder / "mads.toml").read_text(encoding="utf-8"))
    assert 'near = {use = "hall:Hall", at_once = 4}  # here' in text
    with up(hall.folder):
        assert rush(hall) == [4, 2]
        assert changed(hall) == {}


def test_budgets_limits_and_the_log_change_at_once_and_the_rest_with_the_next_start(hall: Mads) -> None:
    with up(hall.folder):
        found = changed(hall, "budget.system=3 USD/day", "limits.1.rate=1/min", "log.level=warning", "far.run=here")
        assert found == {
            "budget.system": ("2 USD/day", "3 USD/day", True),
            "limits.1.rate": ("600/min", "1/min", True),
            "log.level": ("info", "warning", True),
            "mads.far.run": ("process", "here", False),
        }
        assert json.loads(hall("budget", "--json").stdout)[0]["most"] == 3_000_000
        hall("call", "near.seen")
        refused = hall("call", "near.seen")
        assert (refused.returncode, "rate 1/min" in refused.stderr) == (1, True)
        hall("call", "far.seen")
        assert changed(hall, "log.level=info").keys() == {"log.level", "mads.far.run"}
        hall("call", "far.seen")
        assert hall("logs", "--json").stdout.count('"asked"') == 1
        assert changed(hall, "far.run=process") == {}


def test_a_mistake_changes_nothing_and_says_what_to_write(hall: Mads) -> None:
    path = hall.folder / "mads.toml"
    assert "mads up" in hall("set", "near.at_once=2").stderr
    with up(hall.folder):
        for words, told in (
            (["near.at_once=-1"], ">= 1"),
            (["near.at_onse=2"], "did you mean 'at_once'?"),
            (["nere.at_once=2"], "names no MAD 'nere'; it names near, far, street"),
            (["at_once=2"], "write KEY=VALUE, as in scribe.at_once=4"),
            (["near.at_once"], "write KEY=VALUE, not 'near.at_once'"),
            (["log.level=loud"], "one of debug, info, warning, error"),
            (["budget.system=2 EUR"], "is no budget"),
            (["near.at_once=2", "limits.2.rate=5/min"], "no setting"),
        ):
            done = hall("set", *words)
            assert done.returncode in (1, 2)
            assert told in done.stderr, done.stderr
        assert path.read_text(encoding="utf-8") == FILE
        assert hall("set").stderr.strip() == "mads.toml says what counts already."
        path.write_text(f"{FILE}\n[mads.near\n", encoding="utf-8")
        assert "mads.toml" in hall("set").stderr
        path.write_text(FILE.replace("600/min", "601/min"), encoding="utf-8")
        assert changed(hall) == {"limits.1.rate": ("600/min", "601/min", True)}
