"""A running system: the bus, the store, every MAD in its place; started left to right, stopped right to left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from mads.author.message import wire_name
from mads.author.schema import tool_infos
from mads.bus.memory import MemoryBus
from mads.bus.unix import Hub
from mads.guard.access import ANONYMOUS
from mads.host.blocking import BlockingWatch
from mads.host.caller import Caller
from mads.host.child import Assignment
from mads.host.commands import Dispatcher
from mads.host.config import Config, MadConfig
from mads.host.critical import OPERATOR, Gate
from mads.host.dead import Dead
from mads.host.events import Events
from mads.host.instance import Instance, Surroundings
from mads.host.kept_rows import serve_rows
from mads.host.layers import LAYERS, layers_of
from mads.host.paths import data_folder, socket_path
from mads.host.process import ChildPlace
from mads.host.sending import serve_commands
from mads.host.signals import HOST, Signals
from mads.host.survey import Survey, survey
from mads.host.workers import ProcessWorkers
from mads.observe.meter import Meter
from mads.store.commands.sqlite import SqliteCommands
from mads.store.database import Database
from mads.store.kept import SqliteRows
from mads.wire import codec
from mads.wire.call import Band, Call, Identity
from mads.wire.errors import ConfigError, InvalidMessage, UsageError
from mads.wire.status import EventInfo, Shown, Status
from mads.wire.tools import ToolInfo

GRACE = 0.6
"""Seconds that handlers have to finish once the system is told to stop."""

STATUS_PATIENCE = 1.0
"""Seconds that a child has to say how it fares."""


class RunningSystem:
    """The system of one `mads.toml`, while it runs; make one with `running`."""

    def __init__(self, config: Config, read: Survey, layers: Sequence[str], *, strict: bool) -> None:
        self.config, self.bus = config, MemoryBus()
        self._read, self._layers, self._strict = read, tuple(layers), strict
        self._tools = tuple(info for mad, seen in read.declared.items() for info in tool_infos(mad, seen))
        self._meter, self._watch, self._workers = Meter(), BlockingWatch(), ProcessWorkers()
        self._caller = Caller(Identity(HOST))
        self._events = Events(read.declared, self.bus, self._caller)
        self.signals = Signals(self.bus)
        self.bus.gate = Gate(self._events.heard, self.signals).admit
        self._started = time.monotonic()
        self._here: dict[str, Instance] = {}
        self._children: dict[str, ChildPlace] = {}

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Start everything; what is started is stopped by `stack`, last first."""
        root = Path(self.config.root)
        self._watch.start()
        stack.callback(self._watch.stop)
        stack.callback(self._workers.close)
        stack.push_async_callback(self.signals.close)
        hub = Hub(self.bus)
        stack.push_async_callback(hub.close)
        await hub.listen(socket_path(root), vouch=_vouch, may_serve=lambda _: False)
        database = await Database.open(data_folder(root) / "store.sqlite")
        stack.push_async_callback(database.close)
        rows, commands = SqliteRows(database), SqliteCommands(database)
        self._dispatcher = await Dispatcher.open(
            self.bus, commands, {info.name for info in self._tools if not info.streams}
        )
        stack.push_async_callback(self._dispatcher.close)
        self.dead = Dead(commands, self._dispatcher)
        await serve_rows(self.bus, rows)
        await serve_commands(self.bus, self._dispatcher)
        around = Surroundings(
            bus=self.bus,
            rows=rows,
            sends=self._dispatcher,
            layers=layers_of(self._layers, self._meter),
            meter=self._meter,
            workers=self._workers,
            watch=self._watch,
            declared=self._read.declared,
            strict=self._strict,
            system=self,
        )
        for mad in self._read.order():
            await self._place(mad, hub, around, stack)
        self._dispatcher.start()

    async def drain(self) -> None:
        """Take no new call, let what runs come to its end, then end the children side by side: within 2 s together."""
        self._dispatcher.seal()
        drained = asyncio.create_task(self.bus.drain(GRACE))
        await asyncio.wait({drained}, timeout=GRACE)
        await asyncio.gather(drained, *(child.stop() for child in self._children.values()))

    async def status(self) -> Sequence[Status]:
        """Return how each MAD fares, in the order of the configuration."""
        return await asyncio.gather(*(self._status(mad, config) for mad, config in self.config.mads.items()))

    def tools(self) -> Sequence[ToolInfo]:
        """Return every tool of every MAD."""
        return self._tools

    def layers(self) -> Sequence[str]:
        """Return the names of the layers, outermost first."""
        return self._layers

    def events(self) -> Sequence[EventInfo]:
        """Return every event that some MAD hears, and every critical one."""
        return self._events.infos()

    def shown(self, mad: str) -> Shown:
        """Return who `mad` is; raise `InvalidMessage` where there is none."""
        read = self._read.declared.get(mad)
        if read is None:
            raise InvalidMessage(f"there is no MAD {mad!r}; there is {', '.join(self._read.declared)}")
        config = self.config.mads[mad]
        return Shown(
            mad=mad,
            use=config.use,
            role=read.role,
            run=config.run,
            needs={filling.field: filling.how for filling in self._read.fillings[mad]},
            hears=tuple(dict.fromkeys(wire_name(listener.event) for listener in read.listeners)),
            offers=tuple(read.tools),
        )

    async def emit(self, event: str, body: dict[str, Any]) -> int:
        """Publish an event by hand; raise `InvalidMessage` where its name or body does not fit."""
        return await self._events.emit(event, body)

    async def _place(self, mad: str, hub: Hub, around: Surroundings, stack: contextlib.AsyncExitStack) -> None:
        config = self.config.mads[mad]
        if config.run == "process":
            assignment = Assignment(mad, self.config, self._layers, descriptor=-1, strict=self._strict)
            child = self._children[mad] = ChildPlace(self.bus, hub, assignment, self._read.declared[mad], self.signals)
            stack.push_async_callback(child.stop)
            await child.start()
        else:
            instance = self._here[mad] = Instance(mad, config, self._read.fillings[mad], around)
            stack.push_async_callback(instance.stop)
            try:
                await instance.start()
            except UsageError:
                raise
            except Exception as error:
                raise ConfigError(f"{mad} did not start: {type(error).__name__}: {error}") from error

    async def _status(self, mad: str, config: MadConfig) -> Status:
        child = self._children.get(mad)
        if child is None:
            instance = self._here.get(mad)
            inbox = instance.subscription if instance else None
            return Status(
                mad=mad,
                run=config.run,
                state="running" if inbox else "starting",
                pid=os.getpid(),
                waiting=inbox.waiting if inbox else 0,
                dropped=inbox.dropped if inbox else 0,
                blocked=self._watch.blocked[mad],
                uptime_s=round(time.monotonic() - self._started, 1),
                tools=self._meter.read(mad),
            )
        call = self._caller.call(f"host.status.{mad}", codec.raw(None), timeout=STATUS_PATIENCE, band=Band.CONTROL)
        reply = await self.bus.request(call)
        seen = codec.decode(codec.raw(reply.body), Status) if reply.failure is None else None
        return Status(
            mad=mad,
            run=config.run,
            state=child.state if seen or child.state != "running" else "not answering",
            pid=child.pid,
            restarts=child.restarts,
            blocked=seen.blocked if seen else 0,
            uptime_s=round(time.monotonic() - child.since, 1),
            why=child.why,
            tools=seen.tools if seen else (),
        )


@contextlib.asynccontextmanager
async def running(
    config: Config, *, layers: Sequence[str] = LAYERS, strict: bool = False
) -> AsyncGenerator[RunningSystem]:
    """Run the system of `config` for as long as the block lasts.

    `strict` sends every message as bytes, even between two MADs of one process. Raises `ConfigError` where the system
    cannot start, and leaves nothing behind.
    """
    system = RunningSystem(config, survey(config), layers, strict=strict)
    async with contextlib.AsyncExitStack() as stack:
        await system.start(stack)
        structlog.get_logger().debug("system started", mads=list(config.mads))
        yield system
        await system.drain()


def _vouch(call: Call) -> Call:
    """Return `call` with the identity of a caller on the system's own socket: its operator, or less if it says so."""
    principal = call.identity.principal if call.identity.principal == ANONYMOUS else OPERATOR
    return msgspec.structs.replace(call, identity=Identity(principal), cause=None)
