"""A system stops callers first, also where one of them takes all the time that there is.

Covers the order alone. Does not cover what becomes of calls meanwhile: tests/behaviour/test_calls.py does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from mads.host.config import Config
from mads.host.events.signals import Signals
from mads.host.supervise import supervisor as bounds
from mads.host.supervise.place import Place
from mads.host.supervise.supervisor import Supervisor

COVERS = ("R-111",)


class Stubborn:
    """A place whose MAD ends `late` seconds after the time that it is given."""

    def __init__(self, mad: str, late: float, ended: list[str]) -> None:
        self.seat = self
        self._mad, self._late, self._ended = mad, late, ended

    def be(self, state: str) -> None:
        """Be told that it has ended."""
        assert state == "stopped"
        self._ended.append(self._mad)

    async def stop(self, by: float) -> None:
        """Take its time."""
        await asyncio.sleep(max(0.0, by - time.monotonic()) + self._late)


@pytest.mark.parametrize(("late", "place"), [(0.01, 0), (0.2, 2)])
async def test_callers_stop_first_and_one_that_does_not_end_holds_up_nobody(
    late: float, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "WITHIN", 0.02)
    monkeypatch.setattr(bounds, "LAST", 0.1)
    config, ended = Config(root="", mads={}), list[str]()
    supervisor = Supervisor(config, ["c", "b", "a"], {"a": ["b", "c"], "b": ["c"], "c": []}, "", cast("Signals", None))
    for mad in "cba":
        stubborn: Any = Stubborn(mad, late if mad == "a" else 0.0, ended)
        supervisor.places[mad] = cast("Place", stubborn)
    async with asyncio.timeout(5):
        await supervisor.stop()
    assert ended.index("a") == place
    assert place or ended == ["a", "b", "c"]
