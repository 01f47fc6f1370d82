"""A MAD's place on the bus: one inbox for as long as the system runs, whoever handles what it hands out.

Who handles it may change between two calls. The inbox does not: calls wait on, and calls of one key are handled one at
a time, by the old and by the new.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from mads.author.signals import State
from mads.bus.memory import MemoryBus
from mads.bus.port import Subscription
from mads.bus.serving import Serving
from mads.host.config import MadConfig
from mads.wire.call import Call, Handle, Reply
from mads.wire.errors import UsageError
from mads.wire.failure import Failure

TICK = 0.02
"""How often it is looked whether those who left are done, in seconds."""

AGAIN = 1.0
"""When to come back to a MAD that is about to be there again, in seconds."""

Changed = Callable[[str, State, State, str], None]
"""Is told that a MAD went from one state to another, and why."""

Around = Callable[[Handle], Awaitable[Handle]]
"""Puts round a handle whatever stands round every call of the MAD, in whichever process it is handled."""


Instead = Callable[[Call, Reply], Awaitable[Reply]]
"""Returns what stands in for a failure, or that."""


async def _nothing(_: Call, reply: Reply) -> Reply:
    return reply


class Seat:
    """Where `mad` is served; while nobody sits there `instead` answers."""

    def __init__(self, bus: MemoryBus, mad: str, config: MadConfig, changed: Changed) -> None:
        self._bus, self.mad, self._config, self._changed = bus, mad, config, changed
        self._patterns: tuple[str, ...] = ()
        self._inbox: Serving | None = None
        self._old: set[Serving] = set()
        self.sitting: Sitting | None = None
        self._state: State = "starting"
        self._why, self.since = "", time.monotonic()
        self.restarts = self.calls = 0
        self.instead: Instead = _nothing

    @property
    def state(self) -> State:
        """What has become of the MAD; one that has just left its seat is about to be restarted, or will be told of."""
        return "restarting" if self._left else self._state

    @property
    def why(self) -> str:
        """Return why that is so; "" where there is nothing to say."""
        return "it serves no more" if self._left else self._why

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._inbox.waiting if self._inbox else 0

    @property
    def dropped(self) -> int:
        """How many events were refused because the inbox was full, or not handled by their deadline."""
        return self._inbox.dropped if self._inbox else 0

    def waits(self) -> tuple[float, str]:
        """Return for how many seconds the oldest call has waited, and what waits for what."""
        return self._inbox.waits() if self._inbox else (0.0, "")

    def refused(self) -> dict[str, int]:
        """Return how many calls were refused as one too many, by the reason for it."""
        return {str(reason): count for reason, count in self._inbox.refused.items()} if self._inbox else {}

    def be(self, state: State, why: str = "") -> None:
        """Note what has become of the MAD."""
        was, self._state, self._why = self._state, state, why
        if state == "running":
            self.since = time.monotonic()
        if was != state:
            self._changed(self.mad, was, state, why)

    async def open(self, patterns: Sequence[str]) -> None:
        """Serve `patterns` from now on; what waits in an inbox with others is served from there."""
        if tuple(patterns) == self._patterns:
            return
        before, self._patterns = self._inbox, tuple(patterns)
        config = self._config
        self._inbox = await self._bus.subscribe(
            patterns,
            self._handle,
            group=self.mad,
            owner=self.mad,
            at_once=config.places,
            capacity=config.inbox,
            adapts=config.at_once == "auto",
        )
        if before is not None:
            before.leave()
            self._old.add(before)
            closing = asyncio.create_task(self._close(before))
            closing.add_done_callback(lambda _: self._old.discard(before))

    def resize(self, config: MadConfig) -> None:
        """Handle as many calls at once, and let as many wait, as `config` says; what waits, and runs, goes on."""
        self._config = config
        if self._inbox is not None:
            self._inbox.resize(config.places, config.inbox)

    def take(self, handle: Handle) -> Sitting:
        """Have `handle` handle every call that is handed out from now on."""
        if self.sitting is not None:
            self.sitting.left = self.handled()
        self.sitting = Sitting(self, handle)
        return self.sitting

    def handled(self) -> list[Call]:
        """Return the calls that are being handled."""
        return [call for inbox in (*self._old, self._inbox) if inbox is not None for call in inbox.handled()]

    def lose(self, call: Call) -> None:
        """End `call`, which is being handled by somebody who has to go."""
        for inbox in (*self._old, self._inbox):
            if inbox is not None:
                inbox.lose(call, "it stopped serving before it answered")

    @property
    def _left(self) -> bool:
        return self._state == "running" and (self.sitting is None or self.sitting.sealed)

    async def _close(self, inbox: Serving) -> None:
        while inbox.load:
            await asyncio.sleep(TICK)
        await inbox.close()

    def _handle(self, call: Call) -> Awaitable[Reply]:
        sitting = self.sitting
        if sitting is None or (sitting.sealed and call.cause is None):
            return self._away(call)
        self.calls += 1
        return sitting.handle(call)

    async def _away(self, call: Call) -> Reply:
        """Answer for the MAD while nobody handles its calls."""
        again = AGAIN if self.state in ("starting", "restarting") else None
        why = f"{self.mad} is {self.state}{f': {self.why}' if self.why else ''}"
        failure = Failure("no_responder", why, self.mad, call.id, again)
        reply = await self.instead(call, Reply(failure=failure))
        if reply.failure is not None:
            self._bus.refused(call, reply.failure)
        else:
            told = reply.decisions[0].rule
            self._bus.refused(call, msgspec.structs.replace(failure, message=f"{why}; {told}"))
        return reply


class Sitting:
    """The subscription of one life of the MAD: it gets what the seat's inbox hands out, until another takes over.

    `gone` is set once it takes no new call, by whomever it was ended.
    """

    def __init__(self, seat: Seat, handle: Handle) -> None:
        self._seat, self.handle = seat, handle
        self.sealed = False
        self.gone = asyncio.Event()
        self.left: list[Call] = []

    @property
    def waiting(self) -> int:
        """How many calls wait for this one."""
        return self._seat.waiting if self._seat.sitting is self else 0

    @property
    def dropped(self) -> int:
        """How many events were not handled."""
        return self._seat.dropped

    async def seal(self) -> None:
        """Take no new call from now on; what those that were taken send in their turn is served."""
        self.sealed = True
        self.gone.set()

    async def close(self) -> None:
        """Take nothing more."""
        self.gone.set()
        if self._seat.sitting is self:
            self.left = self._seat.handled()
            self._seat.sitting = None

    async def end(self, grace: float) -> None:
        """Leave, and give what it handles `grace` seconds to end."""
        await self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.drained()
        for call in self.left:
            self._seat.lose(call)

    async def drained(self) -> None:
        """Wait until what this one took has ended, after it has left; each call has a deadline."""
        while self.left:
            handled = {id(call) for call in self._seat.handled()}
            self.left = [call for call in self.left if id(call) in handled]
            await asyncio.sleep(TICK)


class SeatBus:
    """The system's bus for one life of a MAD: where that subscribes as the MAD, it takes the seat, behind `around`."""

    def __init__(self, bus: MemoryBus, seat: Seat) -> None:
        self._bus, self._seat = bus, seat
        self.sitting: Sitting | None = None
        self.around: Around | None = None
        self.capabilities = bus.capabilities
        self.request, self.stream, self.publish, self.drain = bus.request, bus.stream, bus.publish, bus.drain

    @property
    def sits(self) -> bool:
        """Whether it is this life that handles the MAD's calls."""
        return self.sitting is not None and self._seat.sitting is self.sitting

    async def subscribe(
        self,
        patterns: Sequence[str],
        handle: Handle,
        *,
        group: str | None = None,
        owner: str | None = None,
        at_once: int = 1,
        capacity: int = 256,
    ) -> Subscription:
        """Take the seat, or subscribe to what is asked of the process; raise `UsageError` for anything else."""
        if owner != self._seat.mad:
            if not all(pattern.startswith("host.") for pattern in patterns):
                raise UsageError(f"{patterns!r}: only the seat of {self._seat.mad} serves this; name it as the owner")
            return await self._bus.subscribe(
                patterns, handle, group=group, owner=owner, at_once=at_once, capacity=capacity
            )
        await self._seat.open(patterns)
        self.sitting = self._seat.take(handle if self.around is None else await self.around(handle))
        return self.sitting
