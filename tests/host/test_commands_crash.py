"""What was acknowledged is handled after `kill -9`, and its handler can tell that it may have been handled before.

Covers the death of the core in the middle of sends and of deliveries, and of a child in the middle of a delivery, both
real. Does not cover a power cut: tests/store does, for all that goes through the database.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path

import pytest

from mads import Lost, NoResponder
from mads.testing.placed import Placed, placed
from tests.behaviour.post import Courier, Desk, Letter, Seen
from tests.host.posting import POST, ROOT

COVERS = ("R-041", "R-120")

pytestmark = pytest.mark.slow

PLACES = pytest.mark.parametrize("run", ["here", "process"])


async def killed(folder: Path, run: str, how: str, after: int) -> list[str]:
    """Let a system post letters, kill it once it has so many receipts, and return what they are for."""
    arguments = ("-m", "tests.host.posting", folder, run, how)
    system = await create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, cwd=ROOT)
    assert system.stdout is not None
    acknowledged = [await system.stdout.readline() for _ in range(after)]
    system.kill()
    acknowledged += (await system.stdout.read()).splitlines(keepends=True)
    assert await system.wait() == -signal.SIGKILL
    return [line.decode().rstrip() for line in acknowledged]


@PLACES
async def test_the_core_is_killed_in_the_middle_and_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, run: str
) -> None:
    acknowledged: list[str] = []
    chance = random.Random(7)  # noqa: S311  nobody is to be kept from guessing
    for _ in range(3):
        acknowledged += await killed(tmp_path, run, "", after=chance.randrange(5, 60))
    async with placed(tmp_path, run, path=(ROOT,), **POST) as it:
        seen = await _until(it, lambda seen: {letter.text for letter in seen} >= set(acknowledged))
        assert (await it.system.dead.oldest()).letters == ()
    assert {letter.attempt for letter in seen} <= {1, 2, 3, 4}
    assert len(acknowledged) >= 15


@PLACES
async def test_what_the_core_was_killed_over_is_handled_again_as_the_second_attempt(tmp_path: Path, run: str) -> None:
    await killed(tmp_path, run, "hang", after=40)
    async with placed(tmp_path, run, path=(ROOT,), **POST) as it:
        before = (await _until(it, lambda seen: len(seen) > 0))[0].pid
        cut_off = {letter.text for letter in await _read(it) if letter.pid == before}
        seen = await _until(it, lambda seen: {letter.text for letter in seen if letter.attempt == 2} >= cut_off)
    attempts = [letter.attempt for letter in seen if letter.text in cut_off]
    assert attempts == [1] * len(cut_off) + [2] * len(cut_off)


async def test_what_a_child_was_killed_over_is_handled_again_as_the_second_attempt(tmp_path: Path) -> None:
    async with placed(tmp_path, "process", path=(ROOT,), **POST) as it:
        await it.mad(Courier).post(Letter("long", "hang", times=1), key="k")
        (first,) = await _until(it, lambda seen: len(seen) == 1)
        os.kill(first.pid, signal.SIGKILL)
        await it.mad(Courier).post(Letter("behind"), key="k")
        seen = await _until(it, lambda seen: len(seen) == 3)
    assert [(letter.text, letter.attempt) for letter in seen] == [("long", 1), ("long", 2), ("behind", 1)]


async def _until(it: Placed, enough: Callable[[list[Seen]], bool]) -> list[Seen]:
    async with asyncio.timeout(25):
        while not enough(seen := await _read(it)):
            await asyncio.sleep(0.02)
        return seen


async def _read(it: Placed) -> list[Seen]:
    """Return what was read; nothing where the process that read it has just died, and comes again."""
    try:
        return await it.mad(Desk).all()
    except (Lost, NoResponder):
        return []
