"""More than can be done: what is answered in time, how long what is urgent takes, and what memory does meanwhile.

`goodput` is the part of its capacity, measured before and after, that a MAD answers in time while twice as much is
asked of it; the baseline is the same handler behind a queue without a bound, first in, first out. `p99_ratio`
compares what a person waits for beside ten jobs that use the same model with what it takes alone. `overhead_p99_ms`
is what a call takes beside the second of its model in 200 conversations. Calls come at times that do not depend on
answers, or a slow system would be asked less.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.jobs import Batch, Desk

from mads import CallError
from mads.host.config import MadConfig
from mads.host.loop import new_loop
from mads.host.supervise.usage import rss
from mads.testing.placed import Placed, placed

ROOT = Path(__file__).parent.parent
AT_ONCE = 8
TAKES, PATIENCE = 0.01, 0.5
SECONDS, ALONE = 6.0, 2.0
JOBS, QUESTIONS, PAUSE = 10, 120, 0.02
TALKS, TURNS, SLOW = 200, 4, 1.0

Ask = Callable[[int], Coroutine[Any, Any, bool]]
"""Asks in the name of somebody; returns whether that was answered in time."""


@asynccontextmanager
async def system(at_once: int = AT_ONCE) -> AsyncGenerator[Placed]:
    """Run a model, a desk that people ask, and what works off jobs, with all layers."""
    mads: dict[str, Any] = {
        "model": MadConfig("benchmarks.jobs:Model", at_once=at_once),
        "desk": MadConfig("benchmarks.jobs:Desk", at_once=256, inbox=1024),
        "batch": MadConfig("benchmarks.jobs:Batch", at_once=2 * JOBS, band="bulk"),
    }
    with tempfile.TemporaryDirectory() as folder:
        async with placed(Path(folder), strict=False, path=(str(ROOT),), **mads) as it:
            gc.freeze()  # as mads up does
            yield it


async def capacity(ask: Ask) -> float:
    """Return how many a second are answered where as many ask as have a place, each again when it was answered."""
    until, count = time.monotonic() + ALONE, 0

    async def caller(who: int) -> None:
        nonlocal count
        while time.monotonic() < until:
            is_answered = await ask(who)
            count += is_answered

    await asyncio.gather(*(caller(who) for who in range(AT_ONCE)))
    return count / ALONE


async def answered(ask: Ask, rate: float) -> float:
    """Return how many a second are answered in time while `rate` come."""
    asked: set[asyncio.Task[bool]] = set()
    done = number = 0
    began = now = time.monotonic()

    def ended(task: asyncio.Task[bool]) -> None:
        nonlocal done
        asked.discard(task)
        done += task.result()

    while now < began + SECONDS:
        while number < (now - began) * rate:
            task = asyncio.create_task(ask(number % 50))
            asked.add(task)
            task.add_done_callback(ended)
            number += 1
        await asyncio.sleep(0.002)
        now = time.monotonic()
    counted = done
    await asyncio.gather(*asked)
    return counted / SECONDS


async def doubled() -> dict[str, float]:
    """Ask twice as much of a model as it can do."""
    async with system() as it:

        async def ask(who: int) -> bool:
            try:
                await it.call("model.answer", principal=f"user-{who}", within=PATIENCE, seconds=TAKES)
            except CallError:
                return False
            return True

        able = await capacity(ask)
        await answered(ask, able)
        before = rss(os.getpid())
        good = await answered(ask, 2 * able)
        grown = rss(os.getpid()) - before
        able = (able + await capacity(ask)) / 2
        status = next(status for status in await it.system.status() if status.mad == "model")
    return {
        "capacity": round(able, 1),
        "goodput": round(good / able, 3),
        "rss_growth_mb": round(grown / 1e6, 2),
        "waiting_left": status.waiting,
    }


async def unbounded() -> dict[str, float]:
    """Ask as much of a queue without a bound."""
    queue: asyncio.Queue[tuple[float, asyncio.Future[None]]] = asyncio.Queue()

    async def serve() -> None:
        while True:
            _, answer = await queue.get()
            await asyncio.sleep(TAKES)
            if not answer.done():
                answer.set_result(None)

    async def ask(_: int) -> bool:
        answer = asyncio.get_running_loop().create_future()
        queue.put_nowait((time.monotonic(), answer))
        try:
            async with asyncio.timeout(PATIENCE):
                await answer
        except TimeoutError:
            return False
        return True

    workers = [asyncio.create_task(serve()) for _ in range(AT_ONCE)]
    able = await capacity(ask)
    before = rss(os.getpid())
    good = await answered(ask, 2 * able)
    grown = rss(os.getpid()) - before
    able = (able + await capacity(ask)) / 2
    for worker in workers:
        worker.cancel()
    return {"fifo_goodput": round(good / able, 3), "fifo_rss_growth_mb": round(grown / 1e6, 2)}


async def beside() -> dict[str, float]:
    """Ask a desk, alone and then beside ten jobs that ask the same model without end."""
    async with system() as it:
        alone = [each async for each in _questions(it)]
        batch = it.mad(Batch)
        for job in range(JOBS):
            await batch.begin(job)
        async with asyncio.timeout(10):
            while len(await batch.at_work()) < JOBS:
                await asyncio.sleep(PAUSE)
        busy = [each async for each in _questions(it)]
        steps = await batch.at_work()
    return {
        "p99_ratio": round(_p99(busy) / _p99(alone), 3),
        "alone_p99_ms": round(_p99(alone) * 1000, 2),
        "beside_p99_ms": round(_p99(busy) * 1000, 2),
        "least_steps_of_a_job": min(steps.values()),
    }


async def _questions(it: Placed) -> AsyncGenerator[float]:
    desk = it.mad(Desk)
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        await desk.ask(0.05)
        yield time.perf_counter() - began
        await asyncio.sleep(PAUSE)


async def talks() -> dict[str, float]:
    """Hold 200 conversations with a model that takes a second."""
    async with system(at_once=256) as it:
        over: list[float] = []
        chance = random.Random(7)  # noqa: S311  when somebody comes

        async def talk(number: int) -> None:
            await asyncio.sleep(chance.random() * SLOW)
            for _ in range(TURNS):
                began = time.perf_counter()
                await it.call("desk.ask", principal=f"user-{number}", conversation=f"talk-{number}", seconds=SLOW)
                over.append(time.perf_counter() - began - SLOW)

        await asyncio.gather(*map(talk, range(TALKS)))
    return {"talks": TALKS, "overhead_p99_ms": round(_p99(over) * 1000, 2), "calls": len(over)}


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return dict(_all(runner))


def _all(runner: asyncio.Runner) -> Iterator[tuple[str, float]]:
    for part in (doubled, unbounded, beside, talks):
        yield from runner.run(part()).items()


if __name__ == "__main__":
    from benchmarks.report import report

    report("overload", run())
