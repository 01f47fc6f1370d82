"""After `kill -9` of the core a command of several steps goes on with the first that was not finished.

Covers the death of the core before, within and after a step, of the handler's own and of another MAD's; real processes.
Does not cover the death of a child: tests/behaviour/test_steps.py does.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from mads import Lost, NoResponder
from mads.testing.placed import Placed, placed
from tests.behaviour.shop import Bank, Bought, Shop
from tests.host.buying import PLACES, SHOP
from tests.host.posting import ROOT

COVERS = ("R-120",)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("run", ["here", "process"])
async def test_after_the_core_was_killed_no_finished_step_is_repeated_and_the_unfinished_one_is(
    tmp_path: Path, run: str
) -> None:
    system = await create_subprocess_exec(
        sys.executable, "-m", "tests.host.buying", tmp_path, run, stdout=PIPE, cwd=ROOT
    )
    assert system.stdout is not None
    assert await system.stdout.readline() == b"all hang\n"
    system.kill()
    assert await system.wait() == -signal.SIGKILL
    async with placed(tmp_path, run, path=(ROOT,), **SHOP) as it:
        bought = {one.what: one for one in await _bought(it, len(PLACES))}
        did, paid = await it.mad(Shop).log(), [asked.command for asked in await it.mad(Bank).all()]
    assert {one.attempt for one in bought.values()} == {2}
    taken = [(one.command, one.what) for one in did]
    for place, name in enumerate(PLACES, 1):
        command = f"command-{place}"
        counts = [taken.count((command, what)) for what in ("fetch", "ship 0", "ship 1")]
        assert counts == [1, 1, 2 if name == "within ship 1" else 1]
        assert paid.count(f"{command}:pay") == (2 if name == "within pay" else 1)


async def _bought(it: Placed, count: int) -> list[Bought]:
    async with asyncio.timeout(25):
        while True:
            try:
                if len(found := await it.mad(Shop).done()) == count:
                    return found
            except (Lost, NoResponder):
                pass  # its process is about to come
            await asyncio.sleep(0.02)
