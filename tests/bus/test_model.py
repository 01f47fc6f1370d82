"""Whatever is sent, finished, cancelled or late, in any order: the bus in memory does what a plain list would do.

Covers bands, the order of a key, one of a key at a time, bounded inboxes, deadlines in the inbox and in the handler,
cancellation and failures, of requests and events together. Does not cover groups, streams and links: tests/conformance
does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mads.bus.inbox import OLD
from mads.bus.memory import MemoryBus
from mads.bus.port import Subscription
from mads.testing.bus_suite.scene import answer, call, failure, value
from mads.wire.call import Band, Call, Identity, Reply

COVERS = ("R-150",)

TURNS = 12
"""How many turns of the loop settle everything that one step sets off."""
LATE = 0.02
"""Seconds to the deadline of a request that nobody finishes."""


class Sent:
    """One call in the model: who may be handled beside it, and its request where somebody waits for a reply."""

    def __init__(self, made: Call, asked: asyncio.Task[Reply] | None = None) -> None:
        self.call, self.asked = made, asked
        self.number: int = value(made.body)
        self.key = None if made.key is None else (made.identity.principal, made.key)
        self.since = time.monotonic()


class Model(RuleBasedStateMachine):
    """A bus, and beside it a list of what waits and a list of what runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.count = self.dropped = 0
        self.waiting: list[Sent] = []
        self.running: list[Sent] = []
        self.expected: list[int] = []
        self.started: list[int] = []
        self.ends: dict[int, asyncio.Future[None]] = {}

    def teardown(self) -> None:
        """End everything; what was never handled must be answered all the same."""
        self.runner.close()

    @initialize(at_once=st.integers(1, 3), capacity=st.integers(1, 4))
    def serve(self, at_once: int, capacity: int) -> None:
        """Serve from an inbox."""
        self.at_once, self.capacity = at_once, capacity

        async def start() -> tuple[MemoryBus, Subscription]:
            bus = MemoryBus()
            return bus, await bus.subscribe(["a.*"], self._handle, at_once=at_once, capacity=capacity)

        self.bus, self.subscription = self.runner.run(start())

    @rule(
        who=st.sampled_from(["ana", "bo"]),
        key=st.sampled_from([None, "k", "l"]),
        band=st.sampled_from(Band),
        kind=st.sampled_from(["request", "request", "request", "event", "late"]),
    )
    def send(self, who: str, key: str | None, band: Band, kind: str) -> None:
        """Send a request or an event, or a request that is left until it is late."""
        self.count += 1
        left = LATE if kind == "late" else 60.0
        subject = f"a.late{self.count}" if kind == "late" else "a.b"  # or it would be known that it cannot be in time
        made = call(subject, self.count, left=left, identity=Identity(who), key=key, band=band)
        sent = Sent(made)
        goes_by = len(self.running) < self.at_once and key is None and band != Band.BULK
        is_full = len(self.waiting) >= self.capacity and not goes_by
        yields = self._yields(who) if is_full else None
        is_refused = is_full and yields is None
        if kind == "event":
            self._do(self.bus.publish(made))
            self.dropped += is_refused
        else:
            sent.asked = self._do(self._ask(made))
        if yields is not None:
            self.waiting.remove(yields)
            self._refused(yields)
        if is_refused:
            if sent.asked is not None:
                failure(sent.asked.result(), "overloaded", made)
        else:
            self.waiting.append(sent)
            self._begin()
        if kind == "late" and sent.asked is not None and not is_refused:
            failure(self.runner.run(_result(sent.asked)), "late", made)
            self._gone(sent)

    @precondition(lambda self: self.running)
    @rule(place=st.integers(0, 9), fails=st.booleans())
    def finish(self, place: int, *, fails: bool) -> None:
        """Let a handler come to its end."""
        sent = self.running[place % len(self.running)]
        end = self.ends[sent.number]
        self._do(_set(end, ValueError("torn") if fails and sent.asked else None))
        if sent.asked is not None and fails:
            failure(sent.asked.result(), "failed", sent.call)
        elif sent.asked is not None:
            assert answer(sent.asked.result()) == sent.number
        self._gone(sent)

    @precondition(lambda self: any(sent.asked for sent in (*self.waiting, *self.running)))
    @rule(place=st.integers(0, 9))
    def cancel(self, place: int) -> None:
        """Let a caller give up: what waits is forgotten, what runs is cancelled."""
        asked = [sent for sent in (*self.running, *self.waiting) if sent.asked]
        sent = asked[place % len(asked)]
        assert sent.asked is not None
        self._do(_cancelled(sent.asked))
        assert sent.asked.cancelled()
        self._gone(sent)

    @invariant()
    def follow(self) -> None:
        """Check that what was started, waits and was dropped is what the lists say, and nothing is handled twice."""
        assert self.started == self.expected
        assert len(set(self.started)) == len(self.started)
        if hasattr(self, "subscription"):
            assert self.subscription.waiting == len(self.waiting) <= self.capacity
            assert self.subscription.dropped == self.dropped

    def _yields(self, who: str) -> Sent | None:
        """Return what gives way in a full inbox: the latest, least urgent of the other, where more of that waits."""
        others = [sent for sent in self.waiting if sent.call.identity.principal != who]
        if len(others) <= len(self.waiting) - len(others) + 1:
            return None
        return max(others, key=lambda sent: (sent.call.band, sent.number))

    def _refused(self, sent: Sent) -> None:
        if sent.asked is None:
            self.dropped += 1
        else:
            failure(sent.asked.result(), "overloaded", sent.call)

    def _gone(self, sent: Sent) -> None:
        """Take a call off the lists; who comes next begins."""
        (self.running if sent in self.running else self.waiting).remove(sent)
        self._begin()

    def _begin(self) -> None:
        """Begin, as long as somebody is free, what the bus began: it must be one whose turn it may be."""
        while len(self.running) < self.at_once and (may := self._may_begin()):
            number = self.started[len(self.expected)]
            first = next(sent for sent in may if sent.number == number)
            self.waiting.remove(first)
            self.running.append(first)
            self.expected.append(first.number)

    def _may_begin(self) -> list[Sent]:
        """Return each sender's oldest of the lowest band whose key is nobody's; once one is old, of any band."""
        held = {sent.key for sent in self.running if sent.key is not None}
        free = [sent for sent in self.waiting if sent.key not in held]
        if sum(sent.call.band == Band.BULK for sent in self.running) >= max(1, self.at_once - 1):
            free = [sent for sent in free if sent.call.band != Band.BULK]
        if time.monotonic() - min((sent.since for sent in self.waiting), default=0.0) < OLD * 0.9:
            lowest = min((sent.call.band for sent in free), default=0)
            free = [sent for sent in free if sent.call.band == lowest]
        firsts: dict[tuple[int, str], Sent] = {}
        for sent in free:
            firsts.setdefault((sent.call.band, sent.call.identity.principal), sent)
        return list(firsts.values())

    async def _handle(self, heard: Call) -> Reply:
        number: int = value(heard.body)
        self.started.append(number)
        end = self.ends[number] = asyncio.get_running_loop().create_future()
        await end
        return Reply(heard.body)

    async def _ask(self, made: Call) -> asyncio.Task[Reply]:
        return asyncio.create_task(self.bus.request(made))

    def _do(self, work: Any) -> Any:
        """Do something and let all that it sets off happen."""

        async def settled() -> Any:
            result = await work
            for _ in range(TURNS):
                await asyncio.sleep(0)
            return result

        return self.runner.run(settled())


async def _result(asked: asyncio.Task[Reply]) -> Reply:
    async with asyncio.timeout(5):
        reply = await asked
    for _ in range(TURNS):
        await asyncio.sleep(0)
    return reply


async def _set(end: asyncio.Future[None], error: Exception | None) -> None:
    if error is None:
        end.set_result(None)
    else:
        end.set_exception(error)


async def _cancelled(asked: asyncio.Task[Reply]) -> None:
    asked.cancel()


@pytest.mark.slow
def test_the_bus_follows_a_plain_list() -> None:
    run_state_machine_as_test(Model, settings=settings(max_examples=80, stateful_step_count=30, deadline=None))
