"""`mads restart` and `mads reload`, and a system that gives up, as a person at the keyboard sees them.

Covers the verbs, their errors and exit codes, the health in `mads ps`. Does not cover what a restart does: see
tests/behaviour/test_supervision.py and tests/behaviour/test_reload.py.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.shell import PATIENCE, Mads, up
from tests.host.posting import ROOT

COVERS = ("R-111", "R-112", "R-116")

pytestmark = pytest.mark.slow

MAD = '''
from __future__ import annotations
from mads import mad, message, tool

@message
class Rung:
    """The bell was rung."""

    by: str

@mad
class Bell:
    """You ring."""

    @tool
    async def ring(self) -> str:
        """Ring."""
        return "ding"
'''
VICAR = '''"""A MAD that has the bell rung."""

from bell import Bell, Rung

from mads import mad, on, tool


@mad
class Vicar:
    """You have the bell rung."""

    bell: Bell

    @tool
    async def call(self) -> str:
        """Have it rung."""
        return await self.bell.ring()

    @on(Rung)
    async def hear(self, rung: Rung) -> None:
        """Hear it."""
'''
PROJECT = f"""
path = [".", "{ROOT}"]
[gateway]
port = 0
[mads]
bell = {{ use = "bell:Bell", run = "process" }}
other = "bell:Bell"
vicar = "vicar:Vicar"
[supervision]
intensity = 0
"""


@pytest.fixture
def mads(tmp_path: Path) -> Mads:
    (tmp_path / "bell.py").write_text(MAD, encoding="utf-8")
    (tmp_path / "vicar.py").write_text(VICAR, encoding="utf-8")
    (tmp_path / "mads.toml").write_text(PROJECT, encoding="utf-8")
    return Mads(tmp_path)


def pid_of(mads: Mads, name: str) -> int:
    """Return the process of a MAD."""
    return next(int(seen["pid"]) for seen in json.loads(mads("ps", "--json").stdout) if seen["mad"] == name)


def test_a_mad_is_reloaded_restarted_and_released_by_name(mads: Mads) -> None:
    with up(mads.folder):
        source = mads.folder / "bell.py"
        source.write_text(MAD.replace("ding", "dong"), encoding="utf-8")
        for name in ("bell", "other"):
            assert mads("reload", name).stdout == f"{name} runs its code as it stands on disk\n"
            assert mads("call", f"{name}.ring").stdout == "dong\n"
        source.write_text(MAD.replace("class Bell:", "class Bell"), encoding="utf-8")
        for name in ("bell", "other"):
            failed = mads("reload", name)
            assert failed.returncode == 1
            assert "SyntaxError" in failed.stderr
            assert mads("call", f"{name}.ring").stdout == "dong\n"
        error = json.loads(mads("reload", "bell", "--json").stdout)["error"]
        assert error["code"] == "rejected"
        assert mads("reload", "gong").returncode == 2
        source.write_text(MAD, encoding="utf-8")

        os.kill(pid_of(mads, "bell"), signal.SIGKILL)
        while "quarantined" not in (shown := mads("ps").stdout):
            pass
        assert "red" in shown
        assert "to have it back: mads restart bell" in shown
        assert "mads restart bell" in mads("call", "bell.ring").stderr
        assert mads("restart", "bell", "--json").stdout == '"bell"\n'
        assert mads("call", "bell.ring").stdout == "ding\n"


def test_a_system_that_is_told_to_ends_with_an_exit_code_when_it_gives_up(mads: Mads) -> None:
    with (mads.folder / "mads.toml").open("a", encoding="utf-8") as file:
        file.write('escalate = "exit"\n')
    with up(mads.folder) as (process, _):
        os.kill(pid_of(mads, "bell"), signal.SIGKILL)
        assert process.wait(PATIENCE) == 1
        assert process.stderr is not None
        assert "the system ended: bell was given up: its process ended (signal SIGKILL)" in process.stderr.read()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('watchdog = "soon"', 'write a number of seconds above 0, or one with a unit, as in "90 s"'),
        ('restart = "always"', "permanent, transient, temporary"),
        ('memory = "1 GB"', 'write run = "process" at other'),
        ('recycle = { rss = "1 GB" }', 'write run = "process" at other'),
        ("recycle = { age = 0 }", "a number of seconds above 0"),
    ],
)
def test_what_is_wrong_in_the_rules_is_told_with_what_to_write(mads: Mads, line: str, why: str) -> None:
    with (mads.folder / "mads.toml").open("a", encoding="utf-8") as file:
        file.write(f'[mads.third]\nuse = "bell:Bell"\n{line}\n'.replace("third", "other2"))
    ran = mads("check")
    assert ran.returncode == 2
    assert why.replace("other", "other2") in ran.stdout + ran.stderr


def test_who_calls_a_mad_that_offers_something_else_since_is_named(mads: Mads) -> None:
    with up(mads.folder):
        source = mads.folder / "bell.py"
        source.write_text(MAD.replace("ring(self)", "ring(self, times: int)"), encoding="utf-8")
        assert "write: mads reload vicar" in mads("reload", "bell").stdout
        assert json.loads(mads("reload", "bell", "--json").stdout) == {"mad": "bell", "callers": [], "events": {}}
        (mads.folder / "vicar.py").write_text(VICAR.replace("ring()", "ring(3)"), encoding="utf-8")
        mads("reload", "vicar")
        assert mads("call", "vicar.call").stdout == "ding\n"
        source.write_text(MAD.replace("by: str", "whom: str"), encoding="utf-8")
        told = "The event bell.Rung.v1 has changed; reload who emits it, and who hears it; write: mads reload vicar"
        assert told in mads("reload", "bell").stdout
