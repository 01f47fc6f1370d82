"""`run = "process"`: a MAD in a child process, on a socket pair to the core's bus, started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import structlog

from mads.author.declaration import Declaration
from mads.author.message import subject as event_subject
from mads.bus.port import Bus, Subscription
from mads.bus.unix import Hub, Link
from mads.host.child import Assignment
from mads.host.signals import Signals
from mads.wire import codec
from mads.wire.call import EVENT, Call, Identity, Reply
from mads.wire.errors import CallError, ConfigError, Denied, Failed, NoResponder
from mads.wire.failure import Failure, error_of

START = 20.0
"""Seconds that a child has to say that it is ready."""
GRACE = 0.8
"""Seconds that a child has to end after it was told to."""
GOING = 0.2
"""Seconds between the end of a child's link and that of its process, where it is the process that ends."""
INTENSITY, PERIOD = 5, 10.0
"""A child that ends more often than this in so many seconds is given up."""


class ChildPlace:
    """One MAD in a child process, supervised."""

    def __init__(self, bus: Bus, hub: Hub, assignment: Assignment, declared: Declaration, signals: Signals) -> None:
        self._bus, self._hub, self._assignment, self._declared, self._signals = bus, hub, assignment, declared, signals
        self._mad = assignment.mad
        self._log = structlog.get_logger(mad=self._mad)
        self._ends: deque[float] = deque(maxlen=INTENSITY + 1)
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._away: Subscription | None = None
        self._stopping = False
        self.state, self.why, self.restarts, self.since = "starting", "", 0, time.monotonic()

    @property
    def pid(self) -> int:
        """The child's process id; 0 while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    async def start(self) -> None:
        """Start the child and return once it serves; raise `ConfigError` where it cannot."""
        self._away = await self._stand_in()
        try:
            await self._spawn()
        except (CallError, TimeoutError, OSError) as error:
            await self._end()
            raise ConfigError(f"{self._mad} did not start in its process: {error}") from error
        self._supervisor = asyncio.create_task(self._supervise(), name=f"supervise {self._mad}")

    async def stop(self) -> None:
        """Let the child finish what it handles, then end it and whatever it started; stopping again does nothing."""
        if self._stopping:
            return
        self._stopping = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._end()
        if self._away is not None:
            await self._away.close()
        self.state = "stopped"

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            link = await self._hub.attach(ours, vouch=self._vouch, may_serve=self._may_serve)
            self._link: Link = link
            async with _readiness(self._bus, self._mad) as ready:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "mads.host.child",
                    stdin=asyncio.subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
                assert self._process.stdin is not None
                assignment = msgspec.structs.replace(self._assignment, descriptor=theirs.fileno())
                self._process.stdin.write(msgspec.json.encode(assignment) + b"\n")
                await self._until_ready(ready)
        self.state, self.since = "running", time.monotonic()

    async def _until_ready(self, ready: asyncio.Future[Failure | None]) -> None:
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait())
        try:
            async with asyncio.timeout(START):
                waited: set[asyncio.Future[Any]] = {ready, ended}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if not ready.done():
            raise Failed(f"its process ended with status {self._process.returncode}; what it said stands above")
        failure = ready.result()
        if failure is not None:
            raise error_of(failure)

    async def _supervise(self) -> None:
        """Start the child again whenever it ends, with growing pauses; give up when it ends too often."""
        while True:
            self.why = await self._ended()
            self._ends.append(time.monotonic())
            self.restarts += 1
            often = len(self._ends) > INTENSITY and self._ends[-1] - self._ends[0] < PERIOD
            self.state = "failed" if often else "restarting"
            if often:
                self.why += ", too often; to have it back, end the system and start it again"
            self._log.error("child ended", why=self.why, state=self.state)
            await self._end()
            if often:
                return
            recent = sum(self._ends[-1] - end < PERIOD for end in self._ends)
            await asyncio.sleep(min(2.0, 0.05 * 2 ** (recent - 1)) * random.uniform(0.8, 1.2))  # noqa: S311  jitter
            try:
                await self._spawn()
            except (CallError, TimeoutError, OSError) as error:
                self.why = str(error)
                self._log.warning("child did not start", why=self.why)

    async def _ended(self) -> str:
        """Wait until the child is of no more use; return why."""
        assert self._process is not None
        process = asyncio.create_task(self._process.wait())
        link = asyncio.create_task(self._link.ended())
        try:
            await asyncio.wait({process, link}, return_when=asyncio.FIRST_COMPLETED)
            self.state = "restarting"
            await asyncio.wait({process}, timeout=GOING)
        finally:
            process.cancel()
            link.cancel()
        status = self._process.returncode
        if status is None:
            return "it let go of its link to the core"
        return f"its process ended ({f'signal {signal.Signals(-status).name}' if status < 0 else f'status {status}'})"

    async def _stand_in(self) -> Subscription:
        """Answer for the MAD whenever its process does not: the pattern is wider than its own, so it gives way."""

        async def refuse(call: Call) -> Reply:
            again = None if self.state in ("failed", "stopped") else 1.0
            state = "restarting" if self.state == "running" else self.state
            raise NoResponder(
                f"{self._mad} is {state}: {self.why}", where=self._mad, request=call.id, retry_after=again
            )

        return await self._bus.subscribe((f"mads.{self._mad}.>",), refuse, group=f"{self._mad} is away", at_once=8)

    async def _end(self) -> None:
        """End the process, politely, then not; its own children with it."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(GRACE if self._stopping else 0):
                    await process.wait()
            except TimeoutError:
                pass
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        await self._link.close()

    def _vouch(self, call: Call) -> Call:
        """Return `call` with the identity that the call it descends from was delivered with."""
        vouched = self._descended(call)
        if vouched.identity != call.identity:
            said = ".".join(call.identity.chain) or call.identity.principal
            self._signals.attempted("identity_forged", vouched, f"it said that it is {said!r}", mad=self._mad)
        return vouched

    def _descended(self, call: Call) -> Call:
        if call.cause is None:
            return msgspec.structs.replace(call, identity=Identity(f"mad:{self._mad}", chain=(self._mad,)))
        parent = self._link.handling.get(call.cause) or self._link.handled.get(call.cause)
        if parent is None:
            why = "it descends from a call that ended long ago"
            self._signals.attempted("identity_forged", call, why, mad=self._mad)
            raise Denied(why, where=self._mad, request=call.id)
        above = parent.identity
        return msgspec.structs.replace(
            call,
            identity=Identity(above.principal, above.tenant, (*above.chain, self._mad)),
            deadline=call.deadline if call.subject.startswith(EVENT) else min(call.deadline, parent.deadline),
            trace=parent.trace,
            conversation=parent.conversation,
        )

    def _may_serve(self, pattern: str) -> bool:
        """Say whether the child may serve `pattern`: its own tools, timers and status, and the events it hears."""
        own = {f"{kind}.{self._mad}.*" for kind in ("mads", "timer")} | {f"host.status.{self._mad}"}
        may = pattern in own | {event_subject(listener.event) for listener in self._declared.listeners}
        if not may:
            self._signals.usurped(pattern, self._mad)
        return may


@contextlib.asynccontextmanager
async def _readiness(bus: Bus, mad: str) -> AsyncGenerator[asyncio.Future[Failure | None]]:
    """Yield a future of what the child says when it has started: nothing, or why it could not."""
    ready: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()

    async def hear(call: Call) -> Reply:
        if call.identity.chain[-1:] == (mad,) and not ready.done():
            ready.set_result(codec.decode(codec.raw(call.body), Failure | None))
        return Reply()

    subscription = await bus.subscribe((f"host.ready.{mad}",), hear)
    try:
        yield ready
    finally:
        await subscription.close()
