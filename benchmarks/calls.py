"""A call between two MADs of one process, with everything round it, beside a queue and a future.

The baseline is the least that asyncio needs to hand a value to another task and take an answer back. What a caller
waits for is the CPU time of the loop's thread; that of the process also has what the writer of the record does
meanwhile, in a thread of its own, until the last of the calls is on disk.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.echo import Echo

from mads.host.layers import LAYERS
from mads.host.loop import new_loop
from mads.observe.record import Observer
from mads.observe.span import Watched
from mads.testing.placed import placed
from mads.wire.call import Call, Handle, Identity, Reply
from mads.wire.served import Served

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


class Cost(NamedTuple):
    """Microseconds of CPU time of one call: of the loop's thread, and of the whole process."""

    loop: float
    process: float


async def measure() -> dict[str, float]:
    """Return what a call costs with all layers, and what observing one does where nothing is decided of it.

    The audit of decisions is written behind the record; it is part of what a call with all layers takes of the process.
    """
    seen = [name for name in LAYERS if name != "access"]
    async with (
        _calling(LAYERS) as guarded,
        _calling(seen) as recorded,
        _calling([name for name in seen if name != "record"]) as bare,
    ):
        queue: list[Cost] = []
        ours: list[Cost] = []
        observed: list[Cost] = []
        less: list[Cost] = []
        for _ in range(ROUNDS):
            queue.append(await _cost(queue_round_trips))
            ours.append(await _cost(guarded))
            observed.append(await _cost(recorded))
            less.append(await _cost(bare))
    return {
        "queue_us": _middle(one.loop for one in queue),
        "all_layers_us": _middle(one.loop for one in ours),
        "all_layers_process_us": _middle(one.process for one in ours),
        "request_all_layers_ratio": _middle(one.loop / base.loop for one, base in zip(ours, queue, strict=True)),
        "request_all_layers_process_ratio": _middle(
            one.process / base.process for one, base in zip(ours, queue, strict=True)
        ),
        "observation_us": _middle(one.process - without.process for one, without in zip(observed, less, strict=True)),
        "span_us": await _span(),
    }


@asynccontextmanager
async def _calling(layers: Sequence[str]) -> AsyncGenerator[Callable[[int], Awaitable[None]]]:
    """Yield what calls an echo behind `layers` so many times, and waits until that is recorded."""
    with tempfile.TemporaryDirectory() as folder:
        async with placed(
            Path(folder), strict=False, path=(str(ROOT),), layers=layers, echo="benchmarks.echo:Echo"
        ) as it:
            echo = it.mad(Echo)

            async def calls(count: int) -> None:
                for number in range(count):
                    await echo.say(number)
                await it.system.observer.recorder.flush()
                await it.system.audit.flush()

            await calls(200)
            yield calls


async def _span() -> float:
    """Return what it costs to make a span round a handler, count it and hand it over."""
    observer, reply = Observer(), Reply()

    async def handle(_: Call) -> Reply:
        return reply

    served = Served("echo", "say")
    watched = Watched(served, observer.meter.cell("echo", "say"), version="0" * 12, place="here")
    call = Call(subject="mads.echo.say", body=None, id="1", deadline=math.inf, identity=Identity("ana"))
    costs: list[float] = []
    for _ in range(ROUNDS):
        bare = await _loop_time(handle, call)
        costs.append(
            await _loop_time(observer.round({call.subject: watched}, {call.subject: handle}, handle), call) - bare
        )
    return _middle(costs)


async def _loop_time(handle: Handle, call: Call) -> float:
    started = time.thread_time()
    for _ in range(1000):
        await handle(call)
    return (time.thread_time() - started) / 1000 * 1e6


async def _cost(work: Callable[[int], Awaitable[None]]) -> Cost:
    loop, process = time.thread_time(), time.process_time()
    await work(CALLS)
    loop, process = time.thread_time() - loop, time.process_time() - process
    return Cost(loop / CALLS * 1e6, process / CALLS * 1e6)


def _middle(values: Iterable[float]) -> float:
    return round(statistics.median(values), 2)


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    from benchmarks.report import report

    report("calls", run())
