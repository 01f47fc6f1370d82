"""A load in a process of its own: it sends through a MAD, and writes down each receipt as soon as it has it.

What it was told is in the file `receipts`, a line each: kind, key, number. It goes on over every failure, with the next
number, until SIGTERM.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from pathlib import Path

from chaos.crew import note
from chaos.world import Line

from mads.wire.errors import CallError, StoreError, Unreachable

KEYS = 8
PAUSE = 0.01
"""Seconds between two commands of one key."""


async def main(root: Path, receipts: str) -> None:
    """Send until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    async def send(kind: str, key: str, pause: float) -> None:
        line = Line(root)
        for number in itertools.count():
            try:
                match kind:
                    case "job":
                        await line.call("post.post", job={"key": key, "number": number})
                    case "kept":
                        await line.call("desk.keep", job={"key": key, "number": number})
                    case _:
                        await line.call("post.hint", number=number)
                note(receipts, kind, key, number, 0)
            except (CallError, StoreError, Unreachable):
                await asyncio.sleep(0.02)
            if stopping.is_set():
                break
            await asyncio.sleep(pause)
        await line.close()

    jobs = [("job", f"k{number}", PAUSE) for number in range(KEYS)]
    await asyncio.gather(*(send(*each) for each in (*jobs, ("kept", "a", 0.01), ("hint", "", 0.02))))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
