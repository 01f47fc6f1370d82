"""A system that is killed in the middle of an erasure: the rows are gone, and nothing else is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from mads.host.history import erasure
from mads.testing.placed import placed
from tests.behaviour.test_conversations import ask, say

ROOT = str(Path(__file__).parents[2])
TABLE = "tests.behaviour.table"


def die(*_: Any) -> int:
    """End at once, as the machine would."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


async def main(folder: Path, canary: str) -> None:
    """Say something, and die while it is erased."""
    async with placed(folder, path=(ROOT,), ana=f"{TABLE}:Ana", bo=f"{TABLE}:Bo") as it:
        for number in range(20):
            await say(it, f"@bo fail {number}: {canary} {number * 'x'}", "42")
        erasure.__dict__["forget"] = die
        await ask(it, "steward.conversations_erase", conversation="42")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
