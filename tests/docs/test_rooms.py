"""Rooms lie above each other, and an import upwards, or a room without a place, is refused.

Covers the import contracts of `pyproject.toml`, by planting what they forbid in a copy. Does not cover the tree itself:
`make check` runs the same contracts on it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.papers import ROOT

COVERS = ("R-026",)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Copy the package and its contracts; return the package."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return shutil.copytree(ROOT / "src" / "mads", tmp_path / "mads", ignore=shutil.ignore_patterns("__pycache__"))


def refused(house: Path) -> str:
    """Return what the contracts say of the copy; empty where they are kept."""
    told = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=house.parent,
        env={**os.environ, "PYTHONPATH": str(house.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )
    return "" if told.returncode == 0 else told.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("wire", "from mads.bus import port", "Rooms lie above each other; every room has its place"),
        ("author", "from mads.store import port", "Rooms lie above each other; every room has its place"),
        ("attic", "", "Rooms lie above each other; every room has its place"),
        ("duos", "import mads.bus.memory", "Built-in MADs are written through the front door"),
        ("host", "import apsw", "apsw is the SQLite adapter's alone"),
        ("cli", "import mcp", "The MCP SDK is for the two ends of MCP alone: gateway and upstream"),
    ],
)
def test_what_breaks_the_order_is_refused_by_its_contract(house: Path, room: str, line: str, contract: str) -> None:
    (house / room).mkdir(exist_ok=True)
    (house / room / "__init__.py").touch()
    (house / room / "planted.py").write_text(f'"""Planted."""\n{line}\n', encoding="utf-8")
    assert f"{contract} BROKEN" in refused(house)


def test_the_house_as_it_stands_keeps_all_of_them(house: Path) -> None:
    assert refused(house) == ""
