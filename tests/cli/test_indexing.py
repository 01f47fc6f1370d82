"""How far Dewey's index is can be seen, on a terminal and in a log, without flooding either."""

from __future__ import annotations

import sys

import pytest

from mads.cli.indexing import Teller
from mads.duos.dewey import IndexProgress

COVERS = ("R-148",)


def tell(total: int) -> None:
    """Tell of an index of so many files, one after the other."""
    teller = Teller()
    for done in range(total + 1):
        teller.tell(IndexProgress(done, total, "."))


def test_in_a_log_a_quarter_takes_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell(1000)

    assert capsys.readouterr().err.splitlines() == [
        f"dewey indexes .: {done} of 1000 files" for done in (0, 250, 500, 750, 1000)
    ]


def test_on_a_terminal_one_line_changes_and_the_last_stays(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    tell(3)

    *changing, last = capsys.readouterr().err.split("\r\x1b[K")
    assert changing == ["", *(f"dewey indexes .: {done} of 3 files" for done in range(3))]
    assert last == "dewey indexes .: 3 of 3 files\n"
