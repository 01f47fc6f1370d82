"""`mads flag`: what an operator types, reads, and finds in the file; and what `mads check` finds there.

Covers words, exit codes and the file. Does not cover what flags do: tests/behaviour/test_flags.py does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import PROJECT, Mads, up

COVERS = ("R-132",)
pytestmark = pytest.mark.slow

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
PRO = {"if": [{"==": [{"var": "plan"}, "pro"]}, "off"]}


def write(folder: Path, **flags: object) -> None:
    (folder / "flags.json").write_text(json.dumps({"flags": flags}), encoding="utf-8")


def test_flags_are_listed_asked_and_changed_in_their_file(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(f'flags = "flags.json"\n{PROJECT}', encoding="utf-8")
    mads = Mads(tmp_path)
    write(tmp_path, **{"mads.parrot.napp": ON})
    wrong = mads("check")
    assert wrong.returncode == 2
    assert "flag 'mads.parrot.napp' is that of a tool, and there is none of that name; did you mean" in wrong.stderr
    write(tmp_path, **{"mads.parrot.nap": ON, "loud": {**ON, "targeting": PRO}})
    with up(tmp_path):
        assert [each["flag"] for each in json.loads(mads("flag", "list", "--json").stdout)] == [
            "loud",
            "mads.parrot.nap",
        ]
        assert mads("flag", "show", "loud", "--about", "plan=pro").stdout.startswith("loud is off: false")
        assert "write a variant, or --on or --off" in mads("flag", "set", "loud").stderr
        assert "has no variant 'of'; it has on, off" in mads("flag", "set", "loud", "of").stderr
        assert mads("flag", "set", "mads.parrot.nap", "off").returncode == 0
        assert json.loads((tmp_path / "flags.json").read_text())["flags"]["mads.parrot.nap"]["defaultVariant"] == "off"
        assert "the flag mads.parrot.nap is off" in mads("call", "parrot.nap", "seconds=0").stderr
