"""A call between two MADs of one process, with everything round it, beside a queue and a future.

The baseline is the least that asyncio needs to hand a value to another task and take an answer back.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.echo import Echo

from mads.host.loop import new_loop
from mads.testing.placed import placed

ROOT = Path(__file__).parent.parent
CALLS = 3000
ROUNDS = 7


async def queue_round_trips(count: int) -> None:
    """Hand `count` values to a task, one after the other, and take its answers."""
    queue: asyncio.Queue[tuple[int, asyncio.Future[int]]] = asyncio.Queue(256)
    loop = asyncio.get_running_loop()

    async def serve() -> None:
        while True:
            value, answer = await queue.get()
            answer.set_result(value)

    server = asyncio.create_task(serve())
    for number in range(count):
        answer: asyncio.Future[int] = loop.create_future()
        await queue.put((number, answer))
        await answer
    server.cancel()


async def measure() -> dict[str, float]:
    """Return the microseconds of both, and request_all_layers_ratio."""
    with tempfile.TemporaryDirectory() as folder:
        async with placed(Path(folder), strict=False, path=(str(ROOT),), echo="benchmarks.echo:Echo") as it:
            echo = it.mad(Echo)

            async def calls(count: int) -> None:
                for number in range(count):
                    await echo.say(number)

            await calls(200)
            base: list[float] = []
            ours: list[float] = []
            for _ in range(ROUNDS):
                base.append(await _microseconds(queue_round_trips))
                ours.append(await _microseconds(calls))
    return {
        "queue_us": round(statistics.median(base), 2),
        "all_layers_us": round(statistics.median(ours), 2),
        "request_all_layers_ratio": round(statistics.median(our / one for our, one in zip(ours, base, strict=True)), 2),
    }


async def _microseconds(work: Callable[[int], Awaitable[None]]) -> float:
    started = time.process_time()
    await work(CALLS)
    return (time.process_time() - started) / CALLS * 1e6


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    from benchmarks.report import report

    report("calls", run())
