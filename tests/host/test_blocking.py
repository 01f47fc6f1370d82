"""Who is blamed for a loop that stands still: the MAD that holds it up, and nobody for a machine that is busy."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from mads.host.supervise.blocking import LIMIT, BlockingWatch

COVERS = ("R-112",)

CROWD = 12
"""How many others want the same processor."""


class Busy:
    """What holds up its loop."""

    def compute(self, seconds: float) -> float:
        """Take so many seconds of a processor; return how long that lasted."""
        began, until = time.monotonic(), time.thread_time() + seconds
        while time.thread_time() < until:
            pass
        return time.monotonic() - began

    def sleep(self, seconds: float) -> None:
        """Stand still."""
        time.sleep(seconds)


@contextmanager
def crowd() -> Generator[None]:
    """Leave this process one processor, which many others want as well."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(CROWD)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
        os.sched_setaffinity(0, mine)


@pytest.mark.slow
async def test_a_mad_is_blamed_for_what_it_does_and_not_for_a_processor_that_was_not_free() -> None:
    watch, busy = BlockingWatch(), Busy()
    watch.know("busy", busy)
    watch.start()
    try:
        with crowd():
            await asyncio.sleep(2 * LIMIT)
            while busy.compute(LIMIT / 4) < 2 * LIMIT:  # until the others have kept it waiting for long
                await asyncio.sleep(LIMIT)
        assert watch.vitals("busy").blocked == 0
        await asyncio.sleep(LIMIT)
        busy.sleep(2 * LIMIT)
        await asyncio.sleep(0)
        seen = watch.vitals("busy")
        assert (seen.blocked, "time.sleep(seconds)" in seen.at) == (1, True)
    finally:
        watch.stop()
