"""A project in a folder of its own, and one running system that all tests may call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Mads, project_in, up


@pytest.fixture
def project(tmp_path: Path) -> Mads:
    """Return the command line in a folder whose system does not run."""
    return Mads(project_in(tmp_path))


@pytest.fixture(scope="session")
def parlour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mads]:
    """Yield the command line beside one running system that all tests share."""
    folder = project_in(tmp_path_factory.mktemp("parlour"))
    with up(folder):
        yield Mads(folder)
