"""`mads stop` and `mads resume` for MADs and tools: what an operator types, reads, and finds again after a crash.

Covers words and exit codes. Does not cover what is refused meanwhile: tests/behaviour/test_switches.py does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import PROJECT, Mads, up

COVERS = ("R-114",)
pytestmark = pytest.mark.slow


def test_a_mad_is_stopped_with_a_reason_and_stays_so_after_a_crash(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(PROJECT, encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path) as (process, _):
        assert mads("stop").stderr == "Nothing is stopped.\n"
        assert "write why" in mads("stop", "witness").stderr
        assert "did you mean witness" in mads("stop", "witnes", "--why", "it lies").stderr
        assert mads("stop", "witness", "--why", "it lies").stdout.startswith("witness is stopped; it goes on with:")
        assert "that reason stays: it lies" in mads("stop", "witness", "--why", "it is slow").stderr
        assert mads("stop", "mads.parrot.nap", "--why", "too loud", "--json").returncode == 0
        process.kill()
        process.wait()
    with up(tmp_path):
        assert [each["what"] for each in json.loads(mads("stop", "--json").stdout)] == ["witness", "parrot.nap"]
        refused = mads("call", "parrot.nap", "seconds=0", "--json")
        assert refused.returncode == 1
        assert json.loads(refused.stdout)["error"]["code"] == "stopped"
        assert "too loud" in refused.stdout
        seen = {line.split()[0]: line for line in mads("ps").stdout.splitlines()}
        assert "stopped by operator since" in seen["witness"]
        assert "too loud" in mads("show", "parrot").stdout
        assert json.loads(mads("resume", "parrot.nap", "--json").stdout) == {"resumed": "parrot.nap"}
        assert mads("call", "parrot.nap", "seconds=0").returncode == 0
        assert "what is: witness" in mads("resume", "parrot").stderr
