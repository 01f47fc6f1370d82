"""Durable commands in the core: each is written down, then delivered over the bus until it is done or given up."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import structlog
from msgspec import Struct

from mads.bus.port import Bus
from mads.host.commands.envelope import Envelope, Terms, attempt, head_of, new_head, now_ms, opened, order
from mads.host.commands.lanes import Head, Lanes
from mads.host.commands.together import Together
from mads.store.commands.port import Commands, Entry, Order
from mads.wire.call import EVENT, Reply
from mads.wire.errors import (
    Broken,
    CallError,
    DeadlineExceeded,
    Denied,
    InvalidMessage,
    Limited,
    Lost,
    NoResponder,
    Overloaded,
    Reject,
    Stopped,
    StoreError,
)
from mads.wire.failure import PARKED, Failure, failure_of
from mads.wire.ids import span_ids

T = TypeVar("T")

AT_ONCE = 64
"""How many commands are on their way to one MAD at a time."""
OPEN = 250_000
"""How many commands may be open in one system."""
PATIENCE = 300.0
"""Seconds that one attempt may take."""
REPAIR = 1.0
"""Seconds after which a store that could not write is asked again."""
HOLD, LOOK = 0.25, 0.02
"""For how many seconds a command waits between two steps for others that are more urgent, and how often it looks."""
PARKED_FOR = 1.0
"""In how many seconds one that waited longer, and was parked, is delivered again: it takes one step at least."""
GRACE = 1.0
"""Seconds in which what has been handled is written down once the system stops."""
_FINAL = {error.code for error in (Reject, Denied, InvalidMessage)}
"""What no further attempt would change."""
_AWAY = {error.code for error in (NoResponder, Overloaded, Limited, Stopped, Broken)}
"""What is answered where the call did not come to its handler."""
_CUT_OFF = {error.code for error in (Lost, NoResponder, DeadlineExceeded)}
"""What is answered for a handler that a system which stops has ended."""


class Sends(Protocol):
    """Whoever takes commands."""

    def send(self, envelope: Envelope[Any], terms: Terms) -> Awaitable[int]:
        """Take a command, in whose chain the sender is the last; return its number once it is on disk."""
        ...


class Retries(Struct, frozen=True):
    """How often a command is tried; the pauses grow from `first` by `factor` to `longest`, in seconds."""

    attempts: int = 8
    first: float = 0.25
    factor: float = 3.0
    longest: float = 60.0

    def pause(self, number: int, failure: Failure) -> float:
        """Return the pause after failure `number`, by chance a third longer or shorter; not less than was asked for."""
        pause = min(self.longest, self.first * self.factor ** min(number - 1, 100))
        return max(pause * random.SystemRandom().uniform(0.67, 1.33), failure.retry_after or 0.0)


class _Outlet:
    """What is on its way to one MAD: a MAD that hangs holds up nobody else's commands."""

    def __init__(self, mad: str) -> None:
        self.mad = mad
        self.lanes = Lanes()
        self.running = 0
        self.rings = math.inf
        self.timer: asyncio.TimerHandle | None = None


class Dispatcher:
    """Takes commands for the subjects `tools` into `store` and delivers them over `bus`; `open` makes one.

    It delivers between `start` and `seal`. Nobody else opens commands in the store, which stays open at `close`.
    """

    def __init__(self, bus: Bus, store: Commands, tools: Collection[str], retries: Retries) -> None:
        self.retries = retries
        self._bus, self._store, self.tools = bus, store, tools
        self.is_urgent: Callable[[], bool] = lambda: False
        self._outlets: dict[str, _Outlet] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._orders, self._begins, self._ends = Together(self._take), Together(self._begin), Together(self._finish)
        self._at_work: dict[int, str] = {}
        self._dead: Counter[str] = Counter()
        self._parked: dict[int, str] = {}
        self._open = 0
        self._delivers = self._closing = False
        self._new_span = span_ids()
        self._log = structlog.get_logger()

    @classmethod
    async def open(
        cls, bus: Bus, store: Commands, tools: Collection[str], retries: Retries | None = None
    ) -> Dispatcher:
        """Return a dispatcher that knows all commands which are open in `store`."""
        dispatcher = cls(bus, store, tools, retries or Retries())
        for entry in await store.entries("open"):
            dispatcher.put(entry)
        dispatcher._dead.update(
            _mad(entry.subject) for entry in await store.entries("dead") if not entry.subject.startswith(EVENT)
        )
        return dispatcher

    def start(self) -> None:
        """Deliver what is open, and from now on what comes."""
        self._delivers = True
        for outlet in self._outlets.values():
            self._pump(outlet)

    def seal(self) -> None:
        """Begin no further attempt; what is sent from now on is delivered after the next start."""
        self._delivers = False
        for outlet in self._outlets.values():
            if outlet.timer is not None:
                outlet.timer.cancel()

    async def close(self) -> None:
        """Write down what has been handled; what is still being handled will be delivered again."""
        self.seal()
        self._closing = True
        taking = asyncio.create_task(self._orders.settle())
        await asyncio.wait({taking, *self._tasks}, timeout=GRACE)
        for task in (taking, *self._tasks):
            task.cancel()
        await asyncio.gather(taking, *self._tasks, return_exceptions=True)

    def send(self, envelope: Envelope[Any], terms: Terms) -> Awaitable[int]:
        """Take a command; return its number once it is on disk. Raises `CallError`, and `StoreError` when awaited.

        Where the sender is cancelled meanwhile, the command may have been taken, and is delivered then.
        """
        if envelope.subject not in self.tools:
            raise InvalidMessage(f"{envelope.subject!r} is no tool for a command; name one that does not stream")
        taken = order(envelope, terms, self.retries.attempts)
        self.expect_room()
        self._open += 1
        return self._orders.ask(taken)

    def expect_room(self) -> None:
        """Raise `Overloaded` where no further command may be open."""
        if self._open >= OPEN:
            raise Overloaded(f"{self._open} commands are open already", retry_after=REPAIR)

    def counts(self, mad: str) -> tuple[int, int, int]:
        """Return how many commands to `mad` are open, were given up, and of the open ones are parked."""
        outlet = self._outlets.get(mad)
        return len(outlet.lanes) if outlet else 0, self._dead[mad], list(self._parked.values()).count(mad)

    async def may_go_on(self, command: int) -> bool:
        """Wait for a moment while what is more urgent waits; return False where that is not enough: it is parked."""
        until = time.monotonic() + HOLD
        while self.is_urgent():
            if time.monotonic() >= until:
                self._parked[command] = self._at_work.get(command, "")
                return False
            await asyncio.sleep(LOOK)
        return True

    def revive(self, entry: Entry) -> None:
        """Deliver what was given up, and is open again."""
        self.forget([entry])
        self.put(entry)

    def forget(self, entries: Iterable[Entry]) -> None:
        """Count what was given up no longer."""
        self._dead.subtract(_mad(entry.subject) for entry in entries)

    def put(self, entry: Entry) -> None:
        """Deliver an open command when its time comes."""
        self._open += 1
        outlet = self._outlet(entry.subject)
        outlet.lanes.put(head_of(entry))
        self._pump(outlet)

    def handles(self, mad: str, command: int) -> bool:
        """Return whether `mad` is at work on this command."""
        return self._at_work.get(command) == mad

    async def _take(self, orders: Sequence[Order]) -> Sequence[int]:
        try:
            added = await self._store.add(orders)
        except BaseException:
            self._open -= len(orders)
            raise
        now, outlets = time.monotonic(), dict[str, _Outlet]()
        for it, (seq, new) in zip(orders, added, strict=True):
            if new:
                subject = it.subject
                outlet = outlets.get(subject) or outlets.setdefault(subject, self._outlet(subject))
                outlet.lanes.put(new_head(it, seq, outlet.mad, now))
            else:
                self._open -= 1
        for outlet in outlets.values():
            self._pump(outlet)
        return [seq for seq, _ in added]

    def _outlet(self, subject: str) -> _Outlet:
        outlet = self._outlets.get(subject)
        if outlet is None:  # each subject leads to the outlet of its MAD
            mad = _mad(subject)
            outlet = self._outlets[subject] = self._outlets.setdefault(mad, _Outlet(mad))
        return outlet

    def _pump(self, outlet: _Outlet) -> None:
        """Begin what may begin, and come back when the next is due."""
        while outlet.running < AT_ONCE and (head := self._next(outlet)) is not None:
            outlet.running += 1
            task = asyncio.create_task(self._run(outlet, head))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self, outlet: _Outlet) -> Head | None:
        """Return the next that may begin; have the others waited for."""
        if not self._delivers:
            return None
        now = time.monotonic()
        head = outlet.lanes.take(now)
        soonest = outlet.lanes.soonest()
        if soonest is not None and soonest < outlet.rings:
            if outlet.timer is not None:
                outlet.timer.cancel()
            outlet.rings = soonest
            delay = min(max(soonest - now, 0), 86400)
            outlet.timer = asyncio.get_running_loop().call_later(delay, self._ring, outlet)
        return head

    def _ring(self, outlet: _Outlet) -> None:
        outlet.rings, outlet.timer = math.inf, None
        self._pump(outlet)

    async def _run(self, outlet: _Outlet, head: Head | None) -> None:
        """Give one command after another its turn, as long as there is one."""
        while head is not None:
            try:
                pause = await self._turn(head) if self._delivers else math.inf
            except StoreError:
                return  # only at the end: what is on disk counts at the next start
            if pause is None:
                self._open -= 1
                outlet.lanes.done(head)
            else:
                outlet.lanes.again(head, time.monotonic() + pause)
            head = self._next(outlet)
        outlet.running -= 1

    async def _turn(self, head: Head) -> float | None:
        """Give a command its turn; return in how many seconds it gets another, None where it has come to its end."""
        if over := _over(head):
            await self._bury(head, over)
            return None
        envelope = await self._written(lambda: self._begins.ask(head.seq))
        if envelope is None:
            return None
        head.attempt += 1
        self._parked.pop(head.seq, None)
        failure = (await self._deliver(head, envelope)).failure
        if failure is None:
            await self._written(lambda: self._ends.ask(head.seq))
            return None
        if failure.code == PARKED:
            return await self._park(head)
        if not self._delivers and failure.code in _CUT_OFF:
            return math.inf
        return await self._failed(head, failure)

    async def _begin(self, seqs: Sequence[int]) -> Sequence[bytes | None]:
        found = await self._store.begin(seqs)
        return [found.get(seq) for seq in seqs]

    async def _finish(self, seqs: Sequence[int]) -> Sequence[int]:
        await self._store.finish(seqs, now=now_ms())
        return seqs

    async def _deliver(self, head: Head, envelope: bytes) -> Reply:
        deadline = min(time.monotonic() + PATIENCE, head.expires)
        try:
            found = opened(envelope)
            call = attempt(found, seq=head.seq, number=head.attempt, span=self._new_span(), deadline=deadline)
            self._at_work[head.seq] = head.mad
            return await self._bus.request(call)
        except CallError as error:
            return Reply(failure=failure_of(error))
        finally:
            self._at_work.pop(head.seq, None)

    async def _park(self, head: Head) -> float:
        """Put a command aside that gave way: that was no failure, and takes none of its attempts."""
        head.why, head.attempts, now = "parked: more urgent work waited", head.attempts + 1, now_ms()
        due = now + round(PARKED_FOR * 1000)
        await self._written(lambda: self._store.fail(head.seq, now=now, why=head.why, due=due, more=1))
        return PARKED_FOR

    async def _failed(self, head: Head, failure: Failure) -> float | None:
        head.why = f"{failure.code}: {failure.message}"
        arrived = failure.code not in _AWAY
        if not arrived:  # the handler has seen nothing of it: the next attempt has the same number
            head.attempt, head.attempts = head.attempt - 1, head.attempts - 1
        is_final = failure.code in _FINAL or (failure.code == Limited.code and failure.retry_after is None)
        if is_final or head.attempt >= head.attempts:
            await self._bury(head, head.why, arrived=arrived)
            return None
        head.failures += 1
        pause, now = self.retries.pause(head.failures, failure), now_ms()
        due = now + round(pause * 1000)
        await self._written(lambda: self._store.fail(head.seq, now=now, why=head.why, due=due, arrived=arrived))
        self._log.info("command failed", command=head.seq, attempt=head.attempt, why=head.why, again=f"{pause:.2f} s")
        return pause

    async def _bury(self, head: Head, why: str, *, arrived: bool = True) -> None:
        await self._written(lambda: self._store.fail(head.seq, now=now_ms(), why=why, due=None, arrived=arrived))
        self._dead[head.mad] += 1
        self._log.warning("command is a dead letter", command=head.seq, attempt=head.attempt, why=why)

    async def _written(self, write: Callable[[], Awaitable[T]]) -> T:
        """Return what `write` returns as soon as the store can write; raise `StoreError` at the end only."""
        while True:
            try:
                return await write()
            except StoreError as error:
                if self._closing:
                    raise
                self._log.error("commands wait for the store", why=str(error))
                await asyncio.sleep(REPAIR)


def _mad(subject: str) -> str:
    return subject.split(".", 2)[1]


def _over(head: Head) -> str:
    """Return why a command gets no further turn, "" where it gets one."""
    why = head.why or ("an attempt was cut off" if head.attempt else "it was not tried")
    if time.monotonic() >= head.expires:
        return f"it was not done within its time; {why}"
    if head.attempt >= head.attempts:
        return f"the system ended during the last of {head.attempt} attempts; {why}"
    return ""
