"""The bus of one event loop: a call goes from its caller's task straight into the inbox of whoever serves its subject.

* A request goes to the group with the most exact pattern (a word before `*` before `>`, from the left), the oldest of
  equals; within a group to the member with the least to do, but calls of one key to one member while the group stays
  as it is.
* A publisher that finds an inbox full gives the loop one turn; what is still full then refuses the event.
* Bodies are passed by reference, so they must be immutable.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Future
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf
from time import monotonic

import msgspec

from mads.bus.adaptive import Adaptive
from mads.bus.channel import Channel
from mads.bus.delivery import Delivery
from mads.bus.port import CREDIT, Refused, Stream
from mads.bus.routes import Routes
from mads.bus.serving import Serving
from mads.wire.call import EVENT, Call, Handle, Reply
from mads.wire.errors import CallError, UsageError
from mads.wire.failure import Failure, failure_of

TICK = 0.01
"""How much later than its deadline, in seconds, a call may be answered: one timer serves them all."""


Gate = Callable[[Call], Awaitable[Call]]
"""What returns a call as it may be published, or raises the `CallError` for which it may not."""


class MemoryBus:
    """A bus whose callers and handlers share one event loop; whoever owns it may put a `gate` before `publish`.

    `refused` hears of what comes to no handler.
    """

    capabilities: frozenset[str] = frozenset()
    gate: Gate | None = None

    def __init__(self, refused: Refused = lambda _, __: None) -> None:
        self.refused = refused
        self._routes: Routes[Serving] = Routes()
        self._draining = False
        self._due = inf
        self._timer: asyncio.TimerHandle | None = None

    async def request(self, call: Call) -> Reply:
        """Send `call` to one subscription that matches its subject and return the reply."""
        answer: Future[Reply] = asyncio.get_running_loop().create_future()
        delivery = Delivery(call, answer)
        serving = self._ask(delivery)
        try:
            return await answer
        except CancelledError:
            if serving is not None:
                serving.withdraw(delivery)
            raise

    @asynccontextmanager
    async def stream(self, call: Call, *, credit: int = CREDIT) -> AsyncGenerator[Stream]:
        """Open a streaming call."""
        answer: Future[Reply] = asyncio.get_running_loop().create_future()
        channel = Channel(answer, credit, call.sink)
        delivery = Delivery(msgspec.structs.replace(call, sink=channel), answer)
        serving = self._ask(delivery)
        try:
            yield channel
        finally:
            if answer.cancel() and serving is not None:
                serving.withdraw(delivery)

    async def publish(self, call: Call) -> None:
        """Send `call` to every subscription that matches its subject, once to each group."""
        if self.gate is not None:
            call = await self._admitted(call, self.gate)
        self._watch(call.deadline)
        groups = self._routes.find(call.subject)
        if not groups:
            self.refused(call, _unanswered("unheard", call, "nobody hears it"))
        for group in groups:
            serving = _member(group, call)
            if serving.takes(call) and not serving.offer(Delivery(call)):
                await asyncio.sleep(0)
                if not serving.offer(Delivery(call)):
                    serving.drop(call)

    async def subscribe(
        self,
        patterns: Sequence[str],
        handle: Handle,
        *,
        group: str | None = None,
        owner: str | None = None,
        at_once: int = 1,
        capacity: int = 256,
        adapts: bool = False,
    ) -> Serving:
        """Serve the subjects that match any of `patterns` from one inbox of `capacity`, `at_once` at a time.

        Where it `adapts`, as many at a time as make none of them slow, `at_once` at most.
        """
        if not patterns or at_once < 1 or capacity < 1:
            raise UsageError(
                f"subscribe({list(patterns)!r}, at_once={at_once!r}, capacity={capacity!r}): "
                "write at least one pattern, and at least 1 for both numbers"
            )
        if self._draining:
            raise UsageError("the bus takes no new subscription while it drains")
        serving = (Adaptive if adapts else Serving)(
            handle,
            self._routes.remove,
            self.refused,
            name=owner or group or patterns[0],
            owner=owner,
            at_once=at_once,
            capacity=capacity,
        )
        self._routes.add(serving, patterns, group)
        return serving

    @property
    def is_urgent(self) -> bool:
        """Whether anything waits, for whomever, that is not of the last band."""
        return any(serving.is_urgent for serving in self._routes)

    def hasten(self, which: Callable[[Call], bool]) -> None:
        """Hand out at once, past whoever is before them, all calls that wait and are one of `which`."""
        for serving in self._routes:
            serving.hasten(which)

    async def drain(self, timeout: float) -> None:
        """Take no new call, finish what was taken within `timeout` seconds, cancel the rest, close.

        What a call that was taken sends in its turn belongs to it and is taken too.
        """
        self._draining = True
        for serving in list(self._routes):
            await serving.seal()
        end = monotonic() + timeout
        while any(serving.load for serving in self._routes) and monotonic() < end:
            await asyncio.sleep(TICK)  # to be told of an empty inbox would cost every call
        await asyncio.gather(*(serving.close() for serving in list(self._routes)))
        if self._timer is not None:
            self._timer.cancel()

    async def _admitted(self, call: Call, gate: Gate) -> Call:
        try:
            return await gate(call)
        except CallError as error:
            self.refused(call, failure_of(error, request=call.id))
            raise

    def _ask(self, delivery: Delivery) -> Serving | None:
        """Bring `delivery` to the one who is to answer it, and return that one; where there is none, answer it."""
        call = delivery.call
        groups = self._routes.find(call.subject)
        if not groups:
            self._refuse(delivery, "no_responder", "nobody serves it")
        elif call.deadline <= monotonic():
            self._refuse(delivery, "late", "its deadline has passed")
        elif self.gate is not None and call.subject.startswith(EVENT):
            self._refuse(delivery, "denied", "it is an event, to be published")  # or it would pass the gate by
        else:
            self._watch(call.deadline)
            serving = _member(groups[0], call)
            serving.ask(delivery)
            return serving
        return None

    def _refuse(self, delivery: Delivery, code: str, why: str) -> None:
        failure = _unanswered(code, delivery.call, why)
        self.refused(delivery.call, failure)
        delivery.end(Reply(failure=failure))

    def _watch(self, deadline: float) -> None:
        """Make sure that the timer rings soon after `deadline`."""
        if deadline < self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._due = deadline
            delay = max(deadline - monotonic(), 0) + TICK
            self._timer = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        now = monotonic()
        self._due = inf
        self._watch(min((serving.expire(now) for serving in self._routes), default=inf))


def _member(group: list[Serving], call: Call) -> Serving:
    """Return who in `group` is to have `call`."""
    if len(group) == 1:
        return group[0]
    group = [member for member in group if member.takes(call)] or group
    if call.key is not None:
        return group[hash((call.identity.principal, call.key)) % len(group)]
    return min(group, key=_load)


def _load(serving: Serving) -> int:
    return serving.load


def _unanswered(code: str, call: Call, why: str) -> Failure:
    return Failure(code, f"{call.subject!r} was not answered: {why}", request=call.id)
