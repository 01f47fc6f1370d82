"""The in-memory bus beside `asyncio.Queue` and futures, in the four shapes in which messages go.

Both pass the same call and do nothing with it, in one process and in turns, on the loop that mads uses. Queues and
inboxes hold as many; that none was dropped is checked.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from asyncio import Future, Queue
from collections.abc import Awaitable, Callable

from mads.bus.memory import MemoryBus
from mads.host.loop import new_loop
from mads.wire.call import Call, Identity, Reply

ROUNDS, CAPACITY, FANOUT, TALKS = 15, 256, 10, 100
DONE = Reply()

Run = Callable[[int, int], Awaitable[float]]
"""Sends `count` messages, in so many conversations or to so many listeners; returns the seconds that it took."""


class Countdown:
    """Ends after so many deliveries."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.over: Future[None] = asyncio.get_running_loop().create_future()

    def step(self) -> None:
        """Count one."""
        self.left -= 1
        if not self.left:
            self.over.set_result(None)


async def together(talk: Callable[[], Awaitable[None]], talks: int) -> float:
    """Run `talk` as often as that at once; return the seconds that it took."""
    started = time.perf_counter()
    await asyncio.gather(*(talk() for _ in range(talks)))
    return time.perf_counter() - started


def call() -> Call:
    """Return the call that is sent, over and over."""
    return Call(subject="mads.echo.say", body=None, id="1", deadline=time.monotonic() + 60, identity=Identity("ana"))


async def queue_talks(count: int, talks: int) -> float:
    """Ask a task through a queue, each time waiting for its answer."""
    queue: Queue[tuple[Call, Future[Reply]]] = Queue(CAPACITY)
    loop = asyncio.get_running_loop()
    asked = call()

    async def serve() -> None:
        while True:
            _, answer = await queue.get()
            answer.set_result(DONE)

    async def talk() -> None:
        for _ in range(count // talks):
            answer: Future[Reply] = loop.create_future()
            await queue.put((asked, answer))
            await answer

    server = asyncio.create_task(serve())
    seconds = await together(talk, talks)
    server.cancel()
    return seconds


async def bus_talks(count: int, talks: int) -> float:
    """Do the same with requests."""
    bus = MemoryBus()
    asked = call()

    async def serve(_: Call) -> Reply:
        return DONE

    async def talk() -> None:
        for _ in range(count // talks):
            await bus.request(asked)

    await bus.subscribe(["mads.echo.*"], serve, owner="echo")
    seconds = await together(talk, talks)
    await bus.drain(0)
    return seconds


async def queue_events(count: int, listeners: int) -> float:
    """Tell tasks, each through a queue of its own."""
    queues: list[Queue[Call]] = [Queue(CAPACITY) for _ in range(listeners)]
    countdown = Countdown(count * listeners)
    told = call()

    async def listen(queue: Queue[Call]) -> None:
        while True:
            await queue.get()
            countdown.step()

    tasks = [asyncio.create_task(listen(queue)) for queue in queues]
    started = time.perf_counter()
    for _ in range(count):
        for queue in queues:
            await queue.put(told)
    await countdown.over
    seconds = time.perf_counter() - started
    for task in tasks:
        task.cancel()
    return seconds


async def bus_events(count: int, listeners: int) -> float:
    """Do the same with events."""
    bus = MemoryBus()
    countdown = Countdown(count * listeners)
    told = call()

    async def listen(_: Call) -> Reply:
        countdown.step()
        return DONE

    subscriptions = [await bus.subscribe(["mads.echo.*"], listen, capacity=CAPACITY) for _ in range(listeners)]
    started = time.perf_counter()
    for _ in range(count):
        await bus.publish(told)
    await countdown.over
    seconds = time.perf_counter() - started
    assert not any(subscription.dropped for subscription in subscriptions)
    await bus.drain(0)
    return seconds


SHAPES: dict[str, tuple[Run, Run, int, int]] = {
    "request": (queue_talks, bus_talks, 2000, 1),
    "fanout": (queue_events, bus_events, 1000, FANOUT),
    "oneway": (queue_events, bus_events, 10000, 1),
    "conversations": (queue_talks, bus_talks, 5000, TALKS),
}


async def measure() -> dict[str, float]:
    """Return the median microseconds a delivery on both sides, and the median of their ratios round by round."""
    figures: dict[str, float] = {}
    for name, (queue, bus, count, width) in SHAPES.items():
        each = 1e6 / (count * width if name == "fanout" else count)
        rounds = [(await queue(count, width) * each, await bus(count, width) * each) for _ in range(ROUNDS)]
        figures[f"{name}_queue_us"] = round(statistics.median(base for base, _ in rounds), 2)
        figures[f"{name}_bus_us"] = round(statistics.median(ours for _, ours in rounds), 2)
        figures[f"{name}_ratio"] = round(statistics.median(ours / base for base, ours in rounds), 2)
    return figures


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    from benchmarks.report import report

    report("bus", run())
