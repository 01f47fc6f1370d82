"""A breaker does what a plain model of it does, for failures, for slowness, and for callers that leave.

The clock is turned by hand.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace

from mads.guard.breakers.breaker import PARTS, Breaker, State
from mads.guard.breakers.layer import FAIR, Breakers
from mads.guard.breakers.rule import Rule
from mads.wire.call import Call, Handle, Identity, Reply
from mads.wire.errors import Failed, Lost
from mads.wire.failure import PARKED, Failure
from mads.wire.served import Served

COVERS = ("R-113",)

RULE = Rule(mad="files", least=5, slow=1.0, window=10.0, pause=2.0, longest=20.0)
SERVED = Served("files", "read")
CALL = Call(subject="mads.files.read", body=None, id="1", deadline=math.inf, identity=Identity("ana"))


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Server:
    """What is behind the layer: it takes so long, and answers so."""

    def __init__(self, rule: Rule = RULE, *, foreign: bool = False) -> None:
        self.clock, self.takes = Clock(), 0.0
        self.answer: Reply | BaseException = Reply()
        self.breakers = Breakers([rule], {"files"} if foreign else (), self.clock)
        self.asked = 0
        self._handle: Handle = self.breakers.layer(SERVED)(self.serve)

    async def serve(self, _: Call) -> Reply:
        """Answer."""
        self.asked += 1
        self.clock.now += self.takes
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def call(self, times: int = 1) -> str:
        """Call it so often; return how the last call ended."""
        reply = Reply()
        for _ in range(times):
            try:
                reply = await self._handle(CALL)
            except Exception as error:  # noqa: BLE001  whatever is behind the layer
                return type(error).__name__
        return reply.failure.code if reply.failure else ""

    @property
    def state(self) -> str:
        """The state of the only breaker."""
        (info,) = self.breakers.of("files")
        return info.state


async def test_it_opens_when_half_of_the_calls_fail_and_says_why_and_when_to_come_back() -> None:
    server = Server()
    await server.call(3)
    server.answer = Reply(failure=Failure("failed", "the word is xyzzy"))
    await server.call(3)
    reply = await server.breakers.layer(SERVED)(server.serve)(CALL)
    assert reply.failure is not None
    assert (reply.failure.code, reply.failure.retry_after, server.asked) == ("broken", 2.0, 6)
    assert "files is left alone for a while: 3 of its last 6 calls failed (failed 3)" in reply.failure.message
    assert "xyzzy" not in reply.failure.message


async def test_what_a_handler_refuses_is_no_failure_of_it_nor_what_a_server_says_of_its_own() -> None:
    ours, theirs = Server(), Server(foreign=True)
    for code in ("rejected", "denied", "invalid", "limited", "overloaded", "stopped"):
        ours.answer = Reply(failure=Failure(code, "no"))
        await ours.call(5)
    theirs.answer = Failed("no such file")
    for _ in range(20):
        await theirs.call()
    assert (ours.state, theirs.state) == ("closed", "closed")
    theirs.answer = Lost("it went away")
    for _ in range(40):
        await theirs.call()
    assert theirs.state == "open"


async def test_what_another_breaker_refuses_says_nothing_of_whom_it_stands_before() -> None:
    clock, tool = Clock(), Rule(tool="mads.files.read", least=3, pause=5.0)
    breakers = Breakers([replace(RULE, slow=None, least=4), tool], clock=clock)
    answers = [Reply(failure=Failure("lost", "it went away"))]

    async def serve(_: Call) -> Reply:
        return answers[0]

    handle = breakers.layer(SERVED)(serve)
    for _ in range(20):
        await handle(CALL)
    whole, one = breakers.of("files")
    assert (whole.what, whole.state, whole.calls, whole.failed) == ("files", "closed", 3, 3)
    assert (one.what, one.state) == ("files.read", "open")
    clock.now += 5.0
    answers[0] = Reply()
    assert (await handle(CALL)).failure is None
    assert [it.state for it in breakers.of("files")] == ["closed", "closed"]


@pytest.mark.parametrize("code", [PARKED, "overloaded"])
async def test_a_probe_that_gives_way_to_what_is_more_urgent_or_finds_no_room_says_nothing(code: str) -> None:
    server = Server()
    server.answer = Reply(failure=Failure("lost", "it went away"))
    await server.call(5)
    server.clock.now += RULE.pause
    server.answer = Reply(failure=Failure(code, "it was not begun"))
    await server.call()
    assert server.state == "half-open"


async def test_it_opens_when_most_calls_are_slow_however_they_end() -> None:
    server = Server()
    server.takes = 1.5
    await server.call(5)
    assert server.state == "open"
    assert "5 of its last 5 calls took more than 1 s" in server.breakers.of("files")[0].why


async def test_who_gives_a_call_no_time_takes_it_from_nobody_else() -> None:
    server = Server(replace(RULE, slow=None))
    server.answer, server.takes = asyncio.CancelledError("late"), FAIR / 2
    for _ in range(10):
        with pytest.raises(asyncio.CancelledError):
            await server.call()
    assert server.state == "closed"
    server.takes = FAIR * 1.5
    for _ in range(5):
        with pytest.raises(asyncio.CancelledError):
            await server.call()
    assert server.state == "open"


async def test_one_call_at_a_time_tries_whether_it_is_well_again_and_pauses_grow_up_to_a_limit() -> None:
    server = Server()
    server.answer = Reply(failure=Failure("lost", "it went away"))
    await server.call(5)
    pauses: list[float] = []
    for _ in range(6):
        (info,) = server.breakers.of("files")
        pauses.append(info.again_s)
        server.clock.now += info.again_s
        assert await server.call() == "lost"
        assert await server.call() == "broken"
    assert pauses == [2, 4, 8, 16, 20, 20]
    server.clock.now += 20
    server.answer = Reply()
    assert (await server.call(), server.state) == ("", "closed")


async def test_a_probe_whose_caller_leaves_leaves_room_for_another() -> None:
    breaker = Breaker("files", replace(RULE, probes=2), clock := Clock())
    for _ in range(5):
        breaker.leave(breaker.enter(), 0, "lost")
    clock.now += 2
    first, second = (breaker.enter() for _ in range(2) if not breaker.wait())
    assert breaker.wait() > 0
    breaker.leave(first, 0, None)
    assert breaker.wait() == 0
    breaker.leave(second, 0, "")
    assert breaker.info().state == "half-open"
    breaker.leave(breaker.enter(), 0, "")
    assert breaker.info().state == "closed"


def test_a_mad_and_its_tools_have_breakers_of_their_own_and_the_steward_none() -> None:
    breakers = Breakers([Rule(mad="*"), Rule(tool="mads.files.*")])
    breakers.held(Served("files", "read"))
    breakers.held(Served("files", "write"))
    assert breakers.held(Served("steward", "stop")) == ()
    assert breakers.held(Served("files", "tick", "timer")) == ()
    assert [it.what for it in breakers.of("files")] == ["files", "files.read", "files.write"]


class BreakerModel(RuleBasedStateMachine):
    """A breaker beside a list of all that happened to it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.told: list[State] = []
        self.rule = Rule(
            mad="a", least=4, slow=1.0, failures=0.5, slow_share=0.75, window=10, pause=2, longest=7, probes=2
        )
        self.breaker = Breaker("a", self.rule, self.clock, lambda it, _: self.told.append(it.state))
        self.ended: list[tuple[float, bool, bool]] = []
        self.out: list[tuple[int, int]] = []
        self.state: State = "closed"
        self.until, self.pause, self.turn, self.well = 0.0, 2.0, 0, 0

    def goes(self, state: State) -> None:
        """Be in another state."""
        self.state, self.turn, self.well = state, self.turn + 1, 0

    def opens(self, pause: float) -> None:
        """Be open for so long."""
        self.pause, self.until = pause, self.clock.now + pause
        self.goes("open")

    @rule(seconds=st.sampled_from([0.0, 0.4, 1.0, 2.0, 5.0, 12.0]))
    def time_goes_by(self, seconds: float) -> None:
        """Turn the clock."""
        self.clock.now += seconds

    @rule()
    def one_comes(self) -> None:
        """Let a call through where that may be."""
        if self.state == "open" and self.clock.now >= self.until:
            self.goes("half-open")
        probing = sum(turn == self.turn for turn, _ in self.out)
        free = self.state == "closed" or (self.state == "half-open" and probing < self.rule.probes)
        assert (self.breaker.wait() == 0) is free
        if free:
            self.out.append((self.turn, self.breaker.enter()))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), took=st.sampled_from([0.1, 3.0]), code=st.sampled_from([None, "", "", "", "failed", "lost"]))
    def one_goes(self, data: Any, took: float, code: str | None) -> None:
        """Have a call end."""
        turn, ticket = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.breaker.leave(ticket, took, code)
        if turn != self.turn:
            return
        slow = took > 1
        if self.state == "half-open":
            if code or slow:
                self.opens(min(7, self.pause * 2))
            elif code is not None:
                self.well += 1
                if self.well == 2:
                    self.pause, self.ended = 2.0, []
                    self.goes("closed")
        elif code is not None or slow:
            self.ended.append((self.clock.now, bool(code), slow))
            self.judge(bad=bool(code) or slow)

    def judge(self, *, bad: bool) -> None:
        """Open where there is too much that went wrong."""
        width = self.rule.window / PARTS
        within = [it for it in self.ended if int(it[0] / width) > int(self.clock.now / width) - PARTS]
        failed, slow = sum(it[1] for it in within), sum(it[2] for it in within)
        if bad and len(within) >= 4 and (failed >= 0.5 * len(within) or slow >= 0.75 * len(within)):
            self.opens(2.0)

    @invariant()
    def both_are_in_the_same_state(self) -> None:
        """Compare."""
        assert self.breaker.state == self.state
        assert (self.breaker.why == "") is (self.state == "closed")


def test_it_does_what_a_plain_model_of_it_does() -> None:
    some = settings(max_examples=40, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(BreakerModel, settings=some)
