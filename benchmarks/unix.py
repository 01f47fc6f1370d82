"""A call to a child process over the Unix socket, beside an echo of the same bytes by a child that does nothing else.

Both children run on the loop that mads uses and are called in turns: one call at a time for how long it takes, then a
hundred at once for what a call costs under load.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import cast

from mads.bus.memory import MemoryBus
from mads.bus.unix import Hub, adopt
from mads.bus.unix.frames import Deliver, pack
from mads.host.loop import new_loop
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply

CALLS, TOGETHER, ROUNDS = 500, 100, 9
ASKED = codec.raw({"query": "where is a deadline inherited", "limit": 5})

Ask = Callable[[], Awaitable[None]]


def call(subject: str, number: int = 0) -> Call:
    """Return a call of `subject`."""
    deadline = time.monotonic() + 30
    return Call(subject=subject, body=ASKED, id=f"bench-{number:x}", deadline=deadline, identity=Identity("ana"))


class Echo(asyncio.Protocol):
    """The baseline's child: sends back what comes."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (called by the loop)."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer (called by the loop)."""
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End (called by the loop)."""
        del exc
        self.ended.set()


class Caller(Echo):
    """The baseline's other end."""

    async def ask(self, data: bytes) -> None:
        """Send `data` and wait until as much has come back."""
        self.missing = len(data)
        self.back = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        await self.back

    def data_received(self, data: bytes) -> None:
        """Take what came back (called by the loop)."""
        self.missing -= len(data)
        if not self.missing:
            self.back.set_result(None)


async def serve_bus(sock: socket.socket) -> None:
    """Answer calls until the other end is gone."""

    async def handle(heard: Call) -> Reply:
        return Reply(heard.body)

    bus = await adopt(sock)
    await bus.subscribe(["mads.echo.*"], handle, owner="echo", at_once=TOGETHER)
    await bus.publish(call("event.ready"))
    await bus.link.ended()


async def serve_bytes(sock: socket.socket) -> None:
    """Send back what comes until the other end is gone."""
    _, echo = await asyncio.get_running_loop().create_unix_connection(Echo, sock=sock)
    await echo.ended.wait()


CHILDREN = {"bus": serve_bus, "bytes": serve_bytes}


@contextlib.contextmanager
def child(kind: str) -> Generator[socket.socket]:
    """Start a child and yield the socket to it."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen([sys.executable, __file__, kind, str(theirs.fileno())], pass_fds=[theirs.fileno()])
    try:
        yield ours
    finally:
        ours.close()
        process.wait(10)


@contextlib.asynccontextmanager
async def calling() -> AsyncGenerator[Ask]:
    """Yield what makes one call to a child that serves the bus."""
    bus = MemoryBus()
    hub = Hub(bus)
    numbers = itertools.count()

    async def ask() -> None:
        reply = await bus.request(call("mads.echo.say", next(numbers)))
        assert reply.failure is None, reply.failure

    with child("bus") as sock:
        ready = asyncio.Event()

        async def hear(_: Call) -> Reply:
            ready.set()
            return Reply()

        await bus.subscribe(["event.ready"], hear)
        await hub.attach(sock, vouch=lambda call: call, may_serve=lambda _: True)
        await ready.wait()
        yield ask
        await bus.drain(1)
        await hub.close()


@contextlib.asynccontextmanager
async def echoing() -> AsyncGenerator[Ask]:
    """Yield what sends the bytes of one such call to a child that echoes them."""
    frame = pack(Deliver(1, 1, None, codec.to_wire(call("mads.echo.say"))))
    with child("bytes") as sock:
        _, caller = await asyncio.get_running_loop().create_unix_connection(Caller, sock=sock)
        yield lambda: caller.ask(frame)
        caller.transport.close()
        await caller.ended.wait()


async def one_by_one(ask: Ask) -> list[float]:
    """Return what each of some calls takes, in microseconds."""
    took: list[float] = []
    for _ in range(CALLS):
        started = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - started) * 1e6)
    return took


async def together(ask: Ask) -> float:
    """Return the microseconds that a call takes on average when a hundred callers call at once."""

    async def some() -> None:
        for _ in range(CALLS // 10):
            await ask()

    started = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(TOGETHER)))
    return (time.perf_counter() - started) * 1e6 / (TOGETHER * CALLS // 10)


async def measure() -> dict[str, float]:
    """Return the microseconds of a call, beside those of the echo."""
    ours: list[float] = []
    bare: list[float] = []
    loaded: list[float] = []
    async with calling() as ask, echoing() as echo:
        await one_by_one(ask)
        await one_by_one(echo)
        for _ in range(ROUNDS):
            ours += await one_by_one(ask)
            bare += await one_by_one(echo)
            loaded.append(await together(ask))
    return {
        "unix_p50_us": round(statistics.median(ours), 1),
        "unix_p99_us": round(statistics.quantiles(ours, n=100)[98], 1),
        "unix_echo_p50_us": round(statistics.median(bare), 1),
        "unix_echo_p99_us": round(statistics.quantiles(bare, n=100)[98], 1),
        "unix_loaded_us": round(statistics.median(loaded), 1),
    }


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


def main() -> None:
    """Measure; or be one of the children, on the socket of that number."""
    if len(sys.argv) > 1:
        kind, descriptor = sys.argv[1:]
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(CHILDREN[kind](socket.socket(fileno=int(descriptor))))
        return
    from benchmarks.report import report  # noqa: PLC0415  the children do not report

    report("unix", run())


if __name__ == "__main__":
    main()
