"""Every mistake under `[[breakers]]` and `[[fallbacks]]` is found before anything starts, and says what to write.

Covers what is written. Does not cover what a rule does: tests/guard/test_breakers.py and tests/behaviour do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mads import mad, tool
from mads.host.config import read_config
from mads.host.survey import survey
from mads.wire.errors import ConfigError

COVERS = ("R-113", "R-115")


@mad
class Sky:
    """You know the sky."""

    @tool(read_only=True)
    async def temperature(self, place: str) -> float:
        """Return degrees."""
        return float(len(place))

    @tool(read_only=True)
    async def guess(self, place: str) -> float:
        """Return degrees, more or less."""
        return float(len(place))

    @tool(read_only=True)
    async def colour(self, place: str) -> str:
        """Return a word."""
        return place

    @tool(destructive=True)
    async def darken(self) -> None:
        """Put out the sun."""


GUESSED = "tool = 'mads.sky.temperature'\nuse = 'mads.sky.guess'"
HEAD = f"[mads]\nsky = '{__name__}:Sky'\n"


def mistakes(folder: Path, written: str) -> str:
    """Return what is wrong with a system in which this is written."""
    (folder / "mads.toml").write_text(HEAD + written, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        survey(read_config(folder))
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("least = 3", 'write mad = "NAME", or tool = "mads.NAME.TOOL", and not both'),
        ("mad = 'sky'\ntool = 'mads.sky.*'", "and not both"),
        ("mad = 'sk'", "there is no MAD 'sk'; did you mean 'sky'?"),
        ("tool = 'sky.colour'", "names no tools; write mads.NAME.TOOL"),
        ("tool = 'mads.sky.colours'", "no tool fits 'mads.sky.colours'; did you mean mads.sky.colour?"),
        ("mad = 'steward'", "the steward has no breaker"),
        ("mad = 'sky'\nfailures = 50", "[[breakers]] 1 failures: "),
        ("mad = 'sky'\nfailure = 0.5", "unknown key; did you mean 'failures'?"),
        ("mad = 'sky'\nslow = 'long'", "write a number of seconds above 0, or one with a unit"),
        ("mad = 'sky'\nleast = 0", "[[breakers]] 1 least: "),
        ("mad = 'sky'\npause = '2 min'", "is the longest pause, and shorter than the first"),
        ("mad = 'sky'\n[[breakers]]\nmad = 'sky'", "is about the same as rule 1"),
    ],
)
def test_a_mistake_in_a_breaker_says_what_to_write(tmp_path: Path, written: str, told: str) -> None:
    assert told in mistakes(tmp_path, f"[[breakers]]\n{written}")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("use = 'mads.sky.guess'", "missing required field `tool`"),
        ("tool = 'mads.sky.guess'", 'write use = "mads.NAME.TOOL", or value = …'),
        ("tool = 'mads.sky.guess'\nvalue = 1.0\nuse = 'mads.sky.colour'", "by nothing, or twice"),
        (
            "tool = 'mads.sky.gues'\nvalue = 1.0",
            "there is no tool 'mads.sky.gues'; sky has colour, darken, guess, temperature",
        ),
        ("tool = 'sky.guess'\nvalue = 1.0", "there is no tool 'sky.guess'"),
        ("tool = 'mads.sky.temperature'\nuse = 'mads.sky.colour'", "mads.sky.colour is no match for it: "),
        ("tool = 'mads.sky.temperature'\nvalue = 'warm'", "value = 'warm' is not what it answers"),
        ("tool = 'mads.sky.darken'\nvalue = 0", "destroys something, and nobody would know that it has not"),
        (
            f"{GUESSED}\n[[fallbacks]]\ntool = 'mads.sky.guess'\nuse = 'mads.sky.temperature'",
            "runs in a circle: mads.sky.temperature → mads.sky.guess → mads.sky.temperature; end it with a value",
        ),
        (
            "tool = 'mads.sky.guess'\nvalue = 1.0\n[[fallbacks]]\ntool = 'mads.sky.guess'\nvalue = 2.0",
            "same tool as rule 1",
        ),
    ],
)
def test_a_mistake_in_a_fallback_says_what_to_write(tmp_path: Path, written: str, told: str) -> None:
    assert told in mistakes(tmp_path, f"[[fallbacks]]\n{written}")


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    rules = (
        "[[breakers]]\nmad = '*'\nslow = '2 s'\n[[fallbacks]]\ntool = 'mads.sky.temperature'\nuse = 'mads.sky.guess'"
    )
    (tmp_path / "mads.toml").write_text(HEAD + rules, encoding="utf-8")
    config = read_config(tmp_path)
    survey(config)
    assert [rule.slow for rule in config.breakers] == ["2 s"]
    assert [rule.use for rule in config.fallbacks] == ["mads.sky.guess"]
