"""A system whose MAD is called from several tasks at once, and which says how many calls are in its record."""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from mads.testing.placed import placed
from tests.behaviour.market import Bank, Card

ROOT = str(Path(__file__).parents[2])


async def main(folder: Path, run: str) -> None:
    async with placed(folder, run, path=(ROOT,), bank="tests.behaviour.market:Bank") as it:

        async def call(task: int) -> None:
            for number in itertools.count():
                await it.mad(Bank).charge(Card("1", f"{task}"), number)

        tasks = [asyncio.create_task(call(task)) for task in range(4)]
        recorder = it.system.observer.recorder
        while not any(task.done() for task in tasks):
            await recorder.flush()
            os.write(sys.stdout.fileno(), f"{recorder.written}\n".encode())
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
