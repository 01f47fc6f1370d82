"""Whatever fails, ends, waits or turns the clock: what was accepted is done or a dead letter, in order, counted right.

Covers delays, time limits, pauses, dead letters, `once`, the end of the core at any moment and a wall clock that jumps,
against a plain list and in a time of its own. Does not cover the bus: the line to the handlers is part of the model.
"""

from __future__ import annotations

import asyncio
import selectors
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from msgspec import Struct

from mads.bus.port import Bus
from mads.host.commands.dispatcher import Dispatcher, Retries
from mads.host.commands.envelope import Envelope, Terms
from mads.store.commands.memory import MemoryCommands
from mads.store.commands.port import Entry
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply
from mads.wire.failure import Failure

COVERS = ("R-041", "R-120")

LIMIT = 4
WORK = 1.0
HOUR = 3600.0
PATIENCE = 300.0
"""Seconds that an attempt may take; see `mads.host.commands.dispatcher`."""


class Time(selectors.DefaultSelector):
    """A time that passes only while everybody waits, and a wall clock that can be turned."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.turned = 1000.0, 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Let the time pass for which nothing would happen."""
        self.now += timeout or 0.0
        return super().select(0)

    def time_ns(self) -> int:
        """Return the wall clock."""
        return int((self.now + self.turned + 1e9) * 1e9)


class Loop(asyncio.SelectorEventLoop):
    """A loop that lives in a `Time`."""

    def __init__(self, time: Time) -> None:
        super().__init__(time)
        self._own = time

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._own.now


class Letter(Struct):
    """A command as the model sees it; `plan` is what each of its arrivals comes to, after which all is well."""

    seq: int
    key: str | None
    band: int
    plan: list[str]
    not_before: float
    limited: bool
    attempts: int = 0
    failures: int = 0
    rejected: bool = False
    done: bool = False
    failed_at: float | None = None
    well: bool = False


class Core:
    """One life of the core: nothing that it does after its end has any effect."""

    def __init__(self, store: MemoryCommands) -> None:
        self.alive, self._store = True, store

    async def lives(self) -> None:
        """Return at once, or never where this life has ended."""
        if not self.alive:
            await asyncio.Event().wait()

    def __getattr__(self, name: str) -> Any:
        """Return a method of the store that works as long as this core lives."""

        async def method(*args: Any, **kwargs: Any) -> Any:
            await self.lives()
            return await getattr(self._store, name)(*args, **kwargs)

        return method


class Commands(RuleBasedStateMachine):
    """A dispatcher, and what must be true of it."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.patch = pytest.MonkeyPatch()
        clock = SimpleNamespace(monotonic=lambda: self.time.now, time_ns=self.time.time_ns)
        for module in ("dispatcher", "envelope"):
            self.patch.setattr(f"mads.host.commands.{module}.time", clock)
        self.runner = asyncio.Runner(loop_factory=lambda: Loop(self.time))
        self.store, self.letters = MemoryCommands(), dict[int, Letter]()
        self.once: dict[str, int] = {}
        self.out: set[int] = set()
        self.runner.run(self._start())

    async def _start(self) -> None:
        self.core = Core(self.store)
        line = cast("Bus", SimpleNamespace(request=self._request(self.core)))
        retries = Retries(attempts=LIMIT, first=2.0, factor=2.0)
        self.dispatcher = await Dispatcher.open(line, cast("Any", self.core), {"mads.desk.read"}, retries)
        self.dispatcher.start()

    def _request(self, core: Core) -> Any:
        async def request(call: Call) -> Reply:
            await core.lives()
            reply = await self._handle(core, call)
            await core.lives()
            return reply

        return request

    async def _handle(self, core: Core, call: Call) -> Reply:
        letter = self.letters[int(cast("str", call.command).removeprefix("command-"))]
        how = letter.plan.pop(0) if letter.plan else "ok"
        self._check(letter, call)
        letter.well = how == "ok"
        letter.failures += not letter.well
        if how == "away":
            letter.failed_at = self.time.now
            return Reply(failure=Failure("no_responder", "it is away"))
        letter.attempts += 1
        assert call.attempt == letter.attempts
        self.out.add(letter.seq)
        await asyncio.sleep(WORK if how != "hang" else max(call.deadline - self.time.now, 0))
        if not core.alive:
            return Reply()
        self.out.discard(letter.seq)
        letter.failed_at, letter.done, letter.rejected = self.time.now, how == "ok", how == "rejected"
        return Reply() if how == "ok" else Reply(failure=Failure({"hang": "late"}.get(how, how), how))

    def _check(self, letter: Letter, call: Call) -> None:
        """Check that this is the turn of a command."""
        assert not letter.done
        assert not letter.rejected
        assert letter.seq not in self.out
        assert self.time.now >= letter.not_before
        if letter.failed_at is not None:
            assert self.time.now >= letter.failed_at + 2.0 * 0.67
        if letter.key is not None:
            assert all(self.letters[seq].key != letter.key for seq in self.out)
        dead = {seq for seq, _ in self._rows("dead")}
        for other in self.letters.values():
            if letter.key is not None and (other.key, other.band) == (letter.key, letter.band):
                assert other.seq >= letter.seq or other.done or other.seq in dead
        assert call.key == letter.key

    def _rows(self, state: str) -> list[tuple[int, str]]:
        return [(entry.seq, entry.why) for entry in self._entries(state)]

    def _entries(self, state: str) -> list[Entry]:
        entries = self.store.entries(cast("Any", state))
        try:
            entries.send(None)
        except StopIteration as ended:  # it waits for nothing
            return [*ended.value]
        raise AssertionError

    @rule(
        key=st.sampled_from([None, "a", "b"]),
        band=st.sampled_from([1, 2]),
        after=st.sampled_from([0.0, 0.0, 7.0, HOUR]),
        within=st.sampled_from([None, None, 20.0, 2 * HOUR]),
        once=st.sampled_from([None, None, "x"]),
        plan=st.lists(st.sampled_from(["failed", "failed", "away", "hang", "rejected"]), max_size=LIMIT + 1),
    )
    def send(
        self, *, key: str | None, band: int, after: float, within: float | None, once: str | None, plan: list[str]
    ) -> None:
        """Send a command."""
        identity = Identity("ana", "acme", ("courier",))
        envelope = Envelope("mads.desk.read", codec.raw(None), identity, "", None, key, band)
        seq = len(self.letters) + 1
        first = self.once.setdefault(once, seq) if once is not None else seq
        if first == seq:
            limited = within is not None
            self.letters[seq] = Letter(seq, key, band, plan, self.time.now + after, limited)

        async def send() -> int:
            return await self.dispatcher.send(envelope, Terms(once, after, within))

        assert self.runner.run(send()) == first

    @rule(seconds=st.sampled_from([0.5, 3.0, 30.0, 2 * HOUR]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.runner.run(asyncio.sleep(seconds))

    @rule(turned=st.sampled_from([0.0, 0.0, 10.0, -HOUR, HOUR, -240 * HOUR]))
    def end(self, turned: float) -> None:
        """End the core in the middle of all, and begin another, maybe with another wall clock."""
        self.core.alive = False
        for entry in self._entries("open"):
            seq, letter = entry.seq, self.letters[entry.seq]
            if entry.attempt > letter.attempts:  # it was begun on disk, and has not arrived
                letter.attempts, letter.failures = letter.attempts + 1, letter.failures + 1
            if seq in self.out or letter.done:  # it was cut off, or nobody came to write down that it was done
                letter.failures += letter.well
            letter.done = letter.rejected = False
        self.out.clear()
        self.time.turned += turned
        for letter in self.letters.values():
            if turned > 0:  # what was to wait is due the sooner
                letter.not_before -= turned
                letter.failed_at = None
        self.runner.run(self._start())

    @rule(turned=st.sampled_from([-HOUR, HOUR, -240 * HOUR]))
    def turn(self, turned: float) -> None:
        """Turn the wall clock while the core lives, which changes nothing for what waits."""
        self.time.turned += turned
        for letter in self.letters.values():
            letter.not_before -= max(turned, 0)  # at the next start
            letter.failed_at = None

    def teardown(self) -> None:
        """Wait until nothing is open; then everything must be done, or be a dead letter for a reason."""
        try:
            self._settle()
        finally:
            self.core.alive = False
            self.runner.close()
            self.patch.undo()

    def _settle(self) -> None:
        for _ in range(200):
            if not self._rows("open"):
                break
            self.runner.run(asyncio.sleep(HOUR))
        assert self._rows("open") == []
        dead = dict(self._rows("dead"))
        for letter in self.letters.values():
            assert letter.done is not (letter.seq in dead)
            given_up = letter.rejected or letter.failures >= LIMIT
            assert letter.limited or given_up is (letter.seq in dead), (letter, dead)


@pytest.mark.slow
def test_what_was_accepted_is_done_or_a_dead_letter_whatever_happens() -> None:
    run_state_machine_as_test(Commands, settings=settings(max_examples=80, stateful_step_count=25, deadline=None))
