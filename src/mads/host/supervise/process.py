"""`run = "process"`: one life of a MAD in a child process, on a socket pair to the core's bus."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import structlog

from mads.author.declaration import Declaration
from mads.author.message import subject as event_subject
from mads.bus.port import Bus
from mads.bus.unix import Hub, Link
from mads.guard.labels import Labels, union
from mads.guard.principals import HOST
from mads.host.caller import Caller
from mads.host.events.signals import Signals
from mads.host.level import LEVEL
from mads.host.quantity import seconds
from mads.host.supervise.child import Assignment
from mads.host.supervise.life import GOING, End
from mads.host.supervise.pulse import Pulse
from mads.host.supervise.seat import SeatBus
from mads.wire import codec
from mads.wire.call import EVENT, Band, Call, Identity, Reply
from mads.wire.errors import CallError, ConfigError, Denied, Failed, InvalidMessage, NoResponder
from mads.wire.failure import Failure, error_of
from mads.wire.status import Vitals
from mads.wire.worth import least

TELL = 5.0
"""Every so many seconds it is told that a child is still starting."""
PARTING = 1.5
"""Seconds between the end of a child's service, or link, and that of its process, where it is the process that ends."""


class Child:
    """A child process with one MAD; `start` it, then `stop` it."""

    def __init__(
        self,
        bus: SeatBus,
        hub: Hub,
        assignment: Assignment,
        declared: Declaration,
        *,
        signals: Signals,
        labels: Labels,
    ) -> None:
        self._bus, self._hub, self._assignment, self._declared, self._signals = bus, hub, assignment, declared, signals
        self._labels = labels
        self._mad, self._config = assignment.mad, assignment.config.mads[assignment.mad]
        self._log = structlog.get_logger(mad=assignment.mad)
        self._process: Process | None = None
        self._link: Link | None = None
        self._verdict = ""
        self._caller = Caller(Identity(HOST))
        self.pulse = Pulse(self.vitals)

    @property
    def pid(self) -> int:
        """The child's process id; 0 while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    async def start(self) -> None:
        """Start the child and return once it serves; raise `ConfigError` where it cannot."""
        try:
            await self._spawn()
        except BaseException as error:
            await self._end(0)
            if isinstance(error, CallError | TimeoutError | OSError):
                why = str(error) or self._late()  # a timeout has no words of its own
                raise ConfigError(f"{self._mad} did not start in its process: {why}") from error
            raise

    async def ended(self) -> End:
        """Wait until the child is of no more use; return why."""
        assert self._process is not None
        assert self._link is not None
        assert self._bus.sitting is not None
        of_use = (self._process.wait(), self._link.ended(), self._bus.sitting.gone.wait())
        process, *_ = waited = [asyncio.create_task(each) for each in of_use]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({process}, timeout=PARTING)
        finally:
            for each in waited:
                each.cancel()
        return self._end_of(self._process, self._link)

    def _end_of(self, process: Process, link: Link) -> End:
        status = process.returncode
        if why := self._verdict or link.fault:
            return End(why)
        if status is None:
            return End("it let go of its link to the core" if link.over else "it stopped serving, but not its process")
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        return End(f"its process ended ({how})", clean=status == 0)

    async def vitals(self, patience: float) -> Vitals | None:
        """Return what the child says of itself; None where it says nothing within `patience` seconds, or nonsense."""
        call = self._caller.call(self._assignment.status, codec.raw(None), timeout=patience, band=Band.CONTROL)
        reply = await self._bus.request(call)
        try:
            return codec.decode(codec.raw(reply.body), Vitals) if reply.failure is None else None
        except InvalidMessage:  # one child that talks nonsense must not hide how the others fare
            return None

    def retire(self) -> None:
        """Do nothing: a child that has lost its seat is not heard by the clock any more."""

    def kill(self, why: str) -> None:
        """End the child at once, and whatever it started, for the reason `why`."""
        self._verdict = why
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def stop(self, going: float = GOING) -> None:
        """Let the child finish what it handles for `going` seconds, then end it and whatever it started."""
        await self._end(going)

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._link = await self._hub.attach(ours, vouch=self._vouch, may_serve=self._may_serve, bus=self._bus)
            assignment = msgspec.structs.replace(self._assignment, descriptor=theirs.fileno())
            async with _readiness(self._bus, assignment.ready) as ready:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "mads.host.supervise.child",
                    stdin=asyncio.subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
                assert self._process.stdin is not None
                self._process.stdin.write(msgspec.json.encode(assignment) + b"\n")
                await self._until_ready(ready)

    async def _until_ready(self, ready: asyncio.Future[Failure | None]) -> None:
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait())
        try:
            async with asyncio.timeout(seconds(self._config.start)):
                waited: set[asyncio.Future[Any]] = {ready, ended}
                while not (await asyncio.wait(waited, timeout=TELL, return_when=asyncio.FIRST_COMPLETED))[0]:
                    self._log.info("MAD is still starting", within=self._config.start)
        finally:
            ended.cancel()
        if not ready.done():
            raise Failed(f"its process ended with status {self._process.returncode}; what it said stands above")
        failure = ready.result()
        if failure is not None:
            raise error_of(failure)
        if not self._bus.sits:
            raise Failed("it said that it is ready, and serves nothing")

    def _late(self) -> str:
        limit = self._config.start
        return f'it was not ready within {limit}; where it takes so long, write start = "5 min" at {self._mad}'

    async def _end(self, grace: float) -> None:
        """End the process, politely, then not; its own children with it."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(grace if self._link and not self._link.over else 0):
                    await process.wait()
            except TimeoutError:
                pass
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        self.pulse.stop()
        if self._link is not None:
            await self._link.close()

    def _vouch(self, call: Call) -> Call:
        """Return `call` with the identity that the call it descends from was delivered with."""
        vouched = self._descended(call)
        if msgspec.structs.replace(vouched.identity, labels=call.identity.labels) != call.identity:
            said = ".".join(call.identity.chain) or call.identity.principal
            self._signals.attempted("identity_forged", vouched, f"it said that it is {said!r}", mad=self._mad)
        return vouched

    def _descended(self, call: Call) -> Call:
        assert self._link is not None
        if call.subject.startswith("timer.") and not self._bus.sits:
            raise NoResponder("another has taken its seat", where=self._mad, request=call.id)
        band = max(call.band, self._config.lowest)
        if call.cause is None:
            own = Identity(f"mad:{self._mad}", chain=(self._mad,), labels=self._open_labels(call))
            return msgspec.structs.replace(call, identity=own, conversation=None, command=None, band=band)
        parent = self._link.handling.get(call.cause) or self._link.handled.get(call.cause)
        if parent is None:
            why = "it descends from a call that ended long ago"
            self._signals.attempted("identity_forged", call, why, mad=self._mad)
            raise Denied(why, where=self._mad, request=call.id)
        above, step, labels = parent.identity, call.command, self._labels.of(parent)
        return msgspec.structs.replace(
            call,
            identity=Identity(above.principal, above.tenant, (*above.chain, self._mad), above.roles, labels=labels),
            deadline=call.deadline if call.subject.startswith(EVENT) else min(call.deadline, parent.deadline),
            trace=parent.trace,
            parent=parent.span,
            context=parent.context,
            worth=least(parent.worth, call.worth),
            conversation=parent.conversation,
            band=band,
            command=step if step and parent.command and step.startswith(f"{parent.command}:") else None,
        )

    def _open_labels(self, call: Call) -> tuple[str, ...]:
        """Return the labels of all that the child handles now: what says of no call that it made it may be any's.

        Its own timers ring by themselves.
        """
        assert self._link is not None
        if call.subject.startswith("timer."):
            return ()
        return union(*map(self._labels.of, self._link.handling.values()))

    def _may_serve(self, pattern: str) -> bool:
        """Say whether the child may serve `pattern`: its own tools, timers and status, and the events it hears."""
        own = {f"{kind}.{self._mad}.*" for kind in ("mads", "timer")} | {self._assignment.status, LEVEL}
        may = pattern in own | {event_subject(listener.event) for listener in self._declared.listeners}
        if not may:
            self._signals.usurped(pattern, self._mad)
        return may


@contextlib.asynccontextmanager
async def _readiness(bus: Bus, subject: str) -> AsyncGenerator[asyncio.Future[Failure | None]]:
    """Yield a future of what the child says when it has started: nothing, or why it could not."""
    ready: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
    mad = subject.split(".")[2]

    async def hear(call: Call) -> Reply:
        if call.identity.chain[-1:] == (mad,) and not ready.done():
            ready.set_result(codec.decode(codec.raw(call.body), Failure | None))
        return Reply()

    subscription = await bus.subscribe((subject,), hear)
    try:
        yield ready
    finally:
        await subscription.close()
