"""Every mistake under `[[canaries]]` is found before anything starts, and says what to write.

Covers what is written, and second versions that could not answer for the first. Does not cover what a canary does:
tests/guard/test_canary.py and tests/behaviour/test_canary.py do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mads.host.config import read_config
from mads.host.survey import survey
from mads.wire.errors import ConfigError

COVERS = ("R-134",)

HERE = "tests.behaviour.versions"
HEAD = f"[mads]\nclerk = '{HERE}:Clerk'\nnext = '{HERE}:Other'\nodd = '{HERE}:Odd'\n"
RIGHT = "mad = 'clerk'\nuse = 'next'"


def mistakes(folder: Path, *written: str) -> str:
    """Return what is wrong with a system in which this is written."""
    rules = "".join(f"\n[[canaries]]\n{each}\n" for each in written)
    (folder / "mads.toml").write_text(HEAD + rules, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        survey(read_config(folder))
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("mad = 'clerk'", "missing required field `use`"),
        ("mad = 'clark'\nuse = 'next'", "there is no MAD 'clark'; write it below [mads]"),
        ("mad = 'clerk'\nuse = 'clerk'", "is clerk itself; write the name of another MAD"),
        ("mad = 'clerk'\nuse = 'steward'", "the steward has one version"),
        (f"{RIGHT}\nshare = 1.0", "<= 0.9"),
        (f"{RIGHT}\nshares = 0.1", "did you mean 'share'?"),
        (f"{RIGHT}\ntools = ['sun']", "clerk has no tool 'sun'; it has "),
        ("mad = 'clerk'\nuse = 'odd'", "odd has no tool 'version'; write it there, or: tools = [\"sum\"]"),
        ("mad = 'clerk'\nuse = 'odd'\ntools = ['sum']", "odd.sum cannot answer for clerk.sum: "),
        ("mad = 'clerk'\nuse = 'odd'\ntools = ['sum']", f"where clerk keeps {HERE}.Memo.v1"),
    ],
)
def test_a_mistake_in_a_canary_says_what_to_write(tmp_path: Path, written: str, told: str) -> None:
    assert told in mistakes(tmp_path, written)


def test_of_one_mad_there_is_one_canary_and_a_second_version_has_none(tmp_path: Path) -> None:
    assert "is about the same MAD as rule 1" in mistakes(tmp_path, RIGHT, "mad = 'clerk'\nuse = 'odd'")
    assert "are in another canary too" in mistakes(tmp_path, RIGHT, "mad = 'next'\nuse = 'odd'")


def test_a_second_version_hears_nothing_and_does_nothing_by_the_clock(tmp_path: Path) -> None:
    written = f"{HEAD}old = '{HERE}:Hearer'\n[[canaries]]\nmad = 'clerk'\nuse = 'old'\ntools = ['sum']\n"
    (tmp_path / "mads.toml").write_text(written, encoding="utf-8")
    read = survey(read_config(tmp_path)).declared["old"]
    assert (read.listeners, read.timers) == ((), ())
