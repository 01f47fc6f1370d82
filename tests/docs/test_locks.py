"""What is installed is what was locked: every package at one version, by the hash of each of its files.

Does not cover the install itself: `make up` does, with --require-hashes.
"""

import re
from pathlib import Path

import pytest

from tests.docs.papers import ROOT

COVERS = ("R-155", "R-156")

every_lock = pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)


@every_lock
def test_every_locked_package_is_pinned_by_hash(lock: Path) -> None:
    entries = re.findall(
        r"^\S.*(?:\n +\S.*)*", re.sub(r"^ *#.*\n", "", lock.read_text(), flags=re.MULTILINE), re.MULTILINE
    )
    assert entries
    assert [
        entry for entry in entries if not re.match(r"[\w.\[\]-]+==\S+( ; .*)? \\\n +--hash=sha256:[0-9a-f]{64}", entry)
    ] == []


@every_lock
def test_no_lock_says_where_a_package_is_fetched(lock: Path) -> None:
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock.read_text())
