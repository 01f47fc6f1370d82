"""A system that posts letters from several tasks at once, and says of each when its receipt is there."""

import asyncio
import itertools
import os
import sys
from pathlib import Path
from typing import Any

from mads.testing.placed import placed
from tests.behaviour.post import Courier, Letter

POST: dict[str, Any] = {"courier": "tests.behaviour.post:Courier", "desk": "tests.behaviour.post:Desk"}
ROOT = str(Path(__file__).parents[2])


async def main(folder: Path, run: str, how: str) -> None:
    numbers = itertools.count()

    async with placed(folder, run, path=(ROOT,), **POST) as it:

        async def produce(key: str) -> None:
            for number in numbers:
                text = f"{os.getpid()}-{number}"
                await it.mad(Courier).post(Letter(text, how, times=1), key=key)
                os.write(sys.stdout.fileno(), f"{text}\n".encode())
                await asyncio.sleep(0.01)

        await asyncio.gather(*(produce(f"{number}") for number in range(6)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
