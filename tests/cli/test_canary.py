"""`mads canary`: what an operator types, reads, and finds again after a crash.

Covers words and exit codes. Does not cover who is answered by whom: tests/behaviour/test_canary.py does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import PROJECT, Mads, up

COVERS = ("R-135",)
pytestmark = pytest.mark.slow

CANARY = """
second = "parlour:Parrot"

[[canaries]]
mad = "parrot"
use = "second"
share = 0.5
"""


def test_a_canary_is_shown_decided_and_found_again_after_a_crash(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(PROJECT + CANARY, encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path) as (process, _):
        assert "running  50.0%" in mads("canary", "list").stdout
        assert "write why" in mads("canary", "promote", "parrot").stderr
        missing = mads("canary", "show", "witness")
        assert (missing.returncode, "'witness' has no canary" in missing.stderr) == (2, True)
        assert "second is promoted since" in mads("canary", "promote", "parrot", "--why", "it is good").stdout
        process.kill()
        process.wait()
    with up(tmp_path):
        seen = json.loads(mads("canary", "show", "parrot", "--json").stdout)
        assert (seen["state"], seen["why"], seen["by"]) == ("promoted", "it is good", "operator")
        assert [each["what"] for each in seen["compared"]] == ["errors", "slow", "dear"]
        told = mads("canary", "rollback", "parrot", "--why", "it is not").stdout
        assert "second is rolled back" in told
        assert "MEASURE" in told
