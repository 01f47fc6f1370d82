"""The system of this repository, started by its own mads.toml, answers from real input: the minimal end-to-end path."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import PATIENCE, Mads, up

COVERS = ("R-148", "R-152")

pytestmark = [pytest.mark.slow, pytest.mark.v1]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mads]:
    """Yield the command line beside the system of a copy of this repository."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copy(ROOT / "mads.toml", folder)
    for part in ("src", "examples", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", ".mads"))
    with up(folder, "--port", "0"):
        yield Mads(folder)


def answer(mads: Mads, *words: str) -> Any:
    """Return what `mads` says as JSON."""
    ran = mads(*words, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def resolves(folder: Path, citation: str) -> bool:
    """Return whether a `path:line` is a line of a file."""
    path, _, line = citation.rpartition(":")
    return 1 <= int(line) <= len((folder / path).read_text(encoding="utf-8").splitlines())


def test_dewey_answers_a_question_with_citations_that_resolve(repository: Mads) -> None:
    found = answer(repository, "call", "dewey.search", "query=where is a deadline inherited")

    assert found["citations"]
    assert all(resolves(repository.folder, citation) for citation in found["citations"])


def test_dewey_chats_with_citations_and_says_that_no_model_is_configured(repository: Mads) -> None:
    question = "where is a deadline inherited"

    said = answer(repository, "chat", "dewey", question)

    assert said["citations"]
    assert all(resolves(repository.folder, citation) for citation in said["citations"])
    assert "No model is configured" in repository("chat", "dewey", question).stdout


def test_dewey_finds_a_changed_file_again(repository: Mads) -> None:
    (repository.folder / "docs" / "zebra.md").write_text("# Zebras\n\nA quagga is a zebra.\n", encoding="utf-8")
    end = time.monotonic() + PATIENCE
    while answer(repository, "call", "dewey.search", "query=quagga")["citations"][:1] != ["docs/zebra.md:3"]:
        assert time.monotonic() < end


def test_a_mad_calls_another_that_it_names(repository: Mads) -> None:
    repository("call", "scribe.write", 'note={"about": "release", "text": "We ship on Friday."}')

    assert "We ship on Friday." in answer(repository, "call", "herald.announce", "about=release")["text"]


def test_what_is_kept_outlives_the_system(project: Mads) -> None:
    with up(project.folder):
        project("emit", "Spoke", "text=remember me")
        assert "remember me" in project("call", "witness.heard", "text=remember me").stdout
    with up(project.folder):
        assert "remember me" in project("call", "witness.heard", "text=remember me").stdout
