"""The main of a child process: one MAD, on the bus that the core holds.

It reads its `Assignment` from standard input, whose end is the end of the core: however that comes, the child ends too.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from mads.bus.unix import UnixBus, adopt
from mads.guard.labels import Labels
from mads.host.caller import Caller
from mads.host.canaries import firsts
from mads.host.commands.journal import RemoteJournal
from mads.host.commands.sending import RemoteSends
from mads.host.config import Config
from mads.host.flags import RemoteFlags
from mads.host.instance import Instance, Surroundings
from mads.host.kept_rows import RemoteRows
from mads.host.layers import inner
from mads.host.level import follow_level
from mads.host.loop import new_loop
from mads.host.paths import data_folder
from mads.host.quantity import seconds, size
from mads.host.supervise.blocking import BlockingWatch
from mads.host.supervise.census import Census
from mads.host.supervise.usage import limit
from mads.host.survey import Survey, survey
from mads.host.workers import ProcessWorkers
from mads.observe.logs import configure
from mads.observe.trace import Trace
from mads.wire import codec
from mads.wire.call import Band, Call, Identity, Reply
from mads.wire.failure import Failure, failure_of

NICE = 10
"""By how much the process of a MAD of the band bulk is nicer to others than theirs."""
GRACE = 1.0
"""Seconds that a child has to finish what it handles when it is told to stop."""


class Assignment(Struct, frozen=True):
    """What a child process is to run, as which of the MAD's lives, and the descriptor of its link to the core."""

    mad: str
    config: Config
    layers: tuple[str, ...]
    strict: bool
    number: int = 0
    descriptor: int = -1

    @property
    def ready(self) -> str:
        """The subject on which the child says that it is ready."""
        return f"host.ready.{self.mad}.{self.number}"

    @property
    def status(self) -> str:
        """The subject on which the child says how it fares."""
        return f"host.status.{self.mad}.{self.number}"


async def run(assignment: Assignment) -> None:
    """Serve the MAD until the core says stop, or is gone."""
    mad, stopping = assignment.mad, asyncio.Event()
    if assignment.config.mads[mad].band == "bulk":
        os.nice(NICE)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    bus = await adopt(socket.socket(fileno=assignment.descriptor))
    caller = Caller(Identity(f"mad:{mad}", chain=(mad,)))
    workers, flags = ProcessWorkers(), RemoteFlags(bus, caller)
    instance: Instance | None = None
    failure: Failure | None = None
    try:
        read = survey(assignment.config, of=mad)
        around = _surroundings(assignment, read, bus, caller, workers, flags=flags)
        if assignment.config.flags:
            await flags.follow()
        instance = Instance(mad, assignment.config.mads[mad], read.fillings[mad], around)
        await _serve_status(bus, assignment, around.watch, around.census)
        await follow_level(bus)
        around.watch.start()
        around.census.start()
        await instance.start()
        gc.freeze()  # what the start made stays: no later collection has to look at it
    except Exception as error:  # noqa: BLE001  whatever an author's factory raises is the core's to tell
        failure = failure_of(error, where=mad)
    await bus.request(caller.call(assignment.ready, codec.raw(failure), band=Band.CONTROL))
    if failure is None and instance is not None:
        await stopping.wait()
        await _stop(instance, bus)
    workers.close()


def _surroundings(
    assignment: Assignment, read: Survey, bus: UnixBus, caller: Caller, workers: ProcessWorkers, *, flags: RemoteFlags
) -> Surroundings:
    """Return what the MAD finds around it: what the core keeps, over `bus`."""
    trace = Trace()
    return Surroundings(
        bus=bus,
        rows=RemoteRows(bus, caller.call),
        sends=RemoteSends(bus, caller),
        journal=RemoteJournal(bus, caller),
        layers=inner(assignment.layers, trace),
        bills=trace.bills,
        workers=workers,
        watch=BlockingWatch(),
        census=Census(seconds(assignment.config.supervision.census), alone=assignment.mad),
        labels=Labels(),
        flags=flags,
        declared=read.declared,
        strict=assignment.strict,
        firsts=firsts(assignment.config.canaries),
    )


async def _stop(instance: Instance, bus: UnixBus) -> None:
    try:
        async with asyncio.timeout(GRACE):
            await bus.drain(GRACE / 2)
            await instance.stop()
    except TimeoutError:
        pass


async def _serve_status(bus: UnixBus, assignment: Assignment, watch: BlockingWatch, census: Census) -> None:
    mad = assignment.mad

    async def status(_: Call) -> Reply:
        return Reply(codec.raw(watch.vitals(mad, growing=census.growing(mad))))

    await bus.subscribe((assignment.status,), status)


def main() -> None:
    """Read the assignment and run it."""
    line = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_core, name="mads-lifeline", daemon=True).start()
    assignment = msgspec.json.decode(line, type=Assignment)
    config = assignment.config
    configure(data_folder(Path(config.root)), mad=assignment.mad, level=config.log.level)
    memory = config.mads[assignment.mad].memory
    if memory is not None:
        limit(size(memory))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # standard output is the command line's alone
    sys.stdout = sys.stderr
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run(assignment))


def _end_with_core() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
