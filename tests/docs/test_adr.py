"""Every decision is a file that a program can read, and names only what is there.

Covers the front matter against its schema, the paths, tests and contracts in it, and the sections of the body. Does not
cover whether the code does what is decided: the tests that a decision names do.
"""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.docs.papers import ROOT, all_tests, contracts

COVERS = ("R-003", "R-005")

jsonschema: Any = import_module("jsonschema")  # it ships no types

FOLDER = ROOT / "docs" / "adr"
DECISIONS = sorted(FOLDER.glob("*.md"))
SECTIONS = (
    "## Context and Problem Statement",
    "## Considered Options",
    "## Decision Outcome",
    "### Consequences",
)

every_decision = pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)


def parts(path: Path) -> tuple[dict[str, Any], str]:
    """Return the front matter and the body of a decision; values are JSON, a longer one goes on in indented lines."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    values = re.findall(r"^(\w+): (.*\n(?: .*\n)*)", front, re.MULTILINE)
    assert "".join(f"{key}: {value}" for key, value in values) == front
    return {key: json.loads(value) for key, value in values}, body


@every_decision
def test_the_front_matter_fits_its_schema(path: Path) -> None:
    front, _ = parts(path)
    jsonschema.validate(front, json.loads((FOLDER / "schema.json").read_text(encoding="utf-8")))


@every_decision
def test_what_a_decision_names_exists(path: Path) -> None:
    front, _ = parts(path)
    known = all_tests() | {f"import-linter: {name}" for name in contracts()}
    assert [name for name in front["affects"] if not (ROOT / name).exists()] == []
    assert [name for name in front["enforced_by"] if name not in known] == []
    assert [old for old in front["supersedes"] if _status(old) != "superseded"] == []


@every_decision
def test_a_decision_has_the_sections_of_madr(path: Path) -> None:
    front, body = parts(path)
    assert path.name.startswith(f"{front['id']}-")
    assert body.startswith("# ")
    assert tuple(line for line in body.splitlines() if line.startswith("##")) == SECTIONS


def test_numbers_run_from_one_without_a_gap() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


def _status(number: str) -> str:
    return "".join(parts(path)[0]["status"] for path in FOLDER.glob(f"{number}-*.md"))
