"""Other people's runtimes in the four shapes of `benchmarks.bus`, beside the same queues: in memory, as they come.

They are the dependency group `peers`, which is not installed by default: `pip install --group peers`. Compare their
ratios with those of `benchmarks.bus`: both are to the same queues.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.bus import FANOUT, TALKS, Countdown, Run, queue_events, queue_talks, together

from mads.host.loop import new_loop

ROUNDS = 5
SUBJECT = "mads.echo.say"


@dataclass
class Said:
    """A message; the peers ask for a class."""

    number: int


async def autogen_talks(count: int, talks: int) -> float:
    """Send messages to an agent of autogen-core's single-threaded runtime, in `talks` at once."""
    core: Any = import_module("autogen_core")

    async def say(_context: Any, message: Said, _info: Any) -> Said:
        return message

    runtime = core.SingleThreadedAgentRuntime()
    await core.ClosureAgent.register_closure(runtime, "echo", say)
    runtime.start()
    said, echo = Said(1), core.AgentId("echo", "default")

    async def talk() -> None:
        for _ in range(count // talks):
            await runtime.send_message(said, echo)

    seconds = await together(talk, talks)
    await runtime.stop()
    return seconds


async def autogen_events(count: int, listeners: int) -> float:
    """Publish messages to agents of the same runtime."""
    core: Any = import_module("autogen_core")
    countdown = Countdown(count * listeners)

    async def listen(_context: Any, _message: Said, _info: Any) -> None:
        countdown.step()

    runtime = core.SingleThreadedAgentRuntime()
    for number in range(listeners):
        name = f"listener{number}"
        await core.ClosureAgent.register_closure(runtime, name, listen)
        await runtime.add_subscription(core.TypeSubscription("said", name))
    runtime.start()
    said, topic = Said(1), core.TopicId("said", "default")
    started = time.perf_counter()
    for _ in range(count):
        await runtime.publish_message(said, topic)
    await countdown.over
    seconds = time.perf_counter() - started
    await runtime.stop()
    return seconds


async def faststream_talks(count: int, talks: int) -> float:
    """Ask a subscriber of FastStream's in-memory NATS broker, in `talks` at once."""
    nats: Any = import_module("faststream.nats")
    broker = nats.NatsBroker()

    async def say(number: int) -> int:
        return number

    async def talk() -> None:
        for _ in range(count // talks):
            await asked.request(1, SUBJECT)

    broker.subscriber(SUBJECT)(say)
    async with nats.TestNatsBroker(broker) as asked:
        return await together(talk, talks)


async def faststream_events(count: int, listeners: int) -> float:
    """Publish to subscribers of the same broker."""
    nats: Any = import_module("faststream.nats")
    broker = nats.NatsBroker()
    countdown = Countdown(count * listeners)

    async def listen(_number: int) -> None:
        countdown.step()

    for _ in range(listeners):
        broker.subscriber(SUBJECT)(listen)
    async with nats.TestNatsBroker(broker) as told:
        started = time.perf_counter()
        for _ in range(count):
            await told.publish(1, SUBJECT)
        await countdown.over
        return time.perf_counter() - started


PEERS: dict[str, tuple[Run, Run]] = {
    "autogen_core": (autogen_talks, autogen_events),
    "faststream": (faststream_talks, faststream_events),
}

SHAPES = {"request": (300, 1), "fanout": (50, FANOUT), "oneway": (300, 1), "conversations": (500, TALKS)}


async def measure() -> dict[str, float]:
    """Return, for each peer that is installed, how many times what a queue costs each shape costs."""
    figures: dict[str, float] = {}
    for peer, (talks, events) in PEERS.items():
        if find_spec(peer) is None:
            print(f"{peer} is not installed, so it is not measured: pip install --group peers")
            continue
        for shape, (count, width) in SHAPES.items():
            theirs, base = (events, queue_events) if shape in {"fanout", "oneway"} else (talks, queue_talks)
            ratios = [await theirs(count, width) / await base(count, width) for _ in range(ROUNDS)]
            figures[f"{peer}_{shape}_ratio"] = round(statistics.median(ratios), 1)
    return figures


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    from benchmarks.report import report

    report("peers", run())
