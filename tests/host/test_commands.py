"""The dispatcher tries, gives up, waits for its store and for nobody else, on a real bus over a store in memory.

Covers attempts, the way from a child, clocks that jump, a store that fails. Does not cover whole systems:
tests/behaviour/test_commands.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from msgspec import Raw

from mads.bus.memory import MemoryBus
from mads.host.caller import Caller
from mads.host.commands.dispatcher import Dispatcher, Retries
from mads.host.commands.envelope import Envelope, Terms, now_ms
from mads.host.commands.sending import RemoteSends, serve_commands
from mads.store.commands.memory import MemoryCommands
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply
from mads.wire.errors import Denied, InvalidMessage, NoResponder, Overloaded, StoreError
from mads.wire.failure import Failure

COVERS = ("R-041", "R-120")

HERALD = Caller(Identity("ana", "acme", ("herald",)))
QUICK = Retries(attempts=3, first=0.001, factor=1.0)
TOOLS = {"mads.scribe.write", "mads.clerk.file"}
HOUR = 3_600_000


class Office:
    """A bus on which `scribe` and `clerk` answer as they are told to; `heard` is what came."""

    def __init__(self, *answers: Exception | None) -> None:
        self.bus, self.store, self.heard = MemoryBus(), MemoryCommands(), list[Call]()
        self._answers = list(answers)
        self.released = asyncio.Event()

    async def open(self, *, start: bool = True) -> Dispatcher:
        """Serve both, and return a dispatcher that delivers."""
        await self.bus.subscribe(("mads.scribe.*",), self._answer, at_once=64)
        await self.bus.subscribe(("mads.clerk.*",), self._hang, at_once=64)
        dispatcher = await Dispatcher.open(self.bus, self.store, TOOLS, QUICK)
        if start:
            dispatcher.start()
        return dispatcher

    async def _answer(self, call: Call) -> Reply:
        self.heard.append(call)
        answer = self._answers.pop(0) if self._answers else None
        if answer is not None:
            raise answer
        return Reply(Raw(codec.encode(None)))

    async def _hang(self, call: Call) -> Reply:
        await self.released.wait()
        return Reply(call.body)


def note(text: str = "", *, key: str | None = None, tool: str = "mads.scribe.write") -> Envelope[Raw]:
    identity, trace, _, band, _ = HERALD.origin()
    return Envelope(tool, codec.raw(text), identity, trace, "conversation-1", key, band)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.002)


async def test_a_failing_handler_is_given_up_after_so_many_attempts_with_the_last_reason() -> None:
    office = Office(ValueError("one"), ValueError("two"), ValueError("three"))
    dispatcher = await office.open()
    seq = await dispatcher.send(note(), Terms())
    async with asyncio.timeout(5):
        while not (dead := await office.store.entries("dead")):
            await asyncio.sleep(0.002)
    assert [(entry.seq, entry.attempt, entry.why) for entry in dead] == [(seq, 3, "failed: ValueError: three")]
    assert [call.attempt for call in office.heard] == [1, 2, 3]
    await dispatcher.close()


@pytest.mark.parametrize("away", [NoResponder("restarting"), Overloaded("full", retry_after=0.001)])
async def test_what_did_not_come_to_its_handler_is_no_attempt_but_is_given_up_all_the_same(away: Exception) -> None:
    office = Office(away, away)
    dispatcher = await office.open()
    await dispatcher.send(note(), Terms())
    await until(lambda: len(office.heard) == 3)
    assert [call.attempt for call in office.heard] == [1, 1, 1]
    other = Office(away, away, away)
    await (await other.open()).send(note(), Terms())
    async with asyncio.timeout(5):
        while not await other.store.entries("dead"):
            await asyncio.sleep(0.002)


async def test_a_call_is_delivered_with_all_that_it_was_sent_with() -> None:
    office = Office()
    dispatcher = await office.open()
    sent = note("x", key="k")
    await dispatcher.send(sent, Terms())
    await until(lambda: office.heard)
    (call,) = office.heard
    for name in ("subject", "body", "identity", "trace", "conversation", "band", "key"):
        assert getattr(call, name) == getattr(sent, name)


async def test_a_mad_that_hangs_holds_up_no_other() -> None:
    office = Office()
    dispatcher = await office.open()
    for _ in range(100):
        await dispatcher.send(note(tool="mads.clerk.file"), Terms())
    await dispatcher.send(note(), Terms())
    await until(lambda: office.heard)
    office.released.set()
    async with asyncio.timeout(5):
        while await office.store.entries("open"):
            await asyncio.sleep(0.002)


async def test_a_sender_that_is_cancelled_leaves_nothing_that_nobody_delivers() -> None:
    office = Office()
    dispatcher = await office.open()
    sending = asyncio.ensure_future(dispatcher.send(note(), Terms()))
    sending.cancel()
    await until(lambda: office.heard)
    assert sending.cancelled()


@pytest.mark.parametrize("jump", [-240 * HOUR, -HOUR, HOUR])
async def test_a_clock_that_jumps_between_two_starts_loses_nothing(jump: int, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    before = await office.open(start=False)
    with monkeypatch.context() as patch:
        patch.setattr("mads.host.commands.envelope.now_ms", lambda: now_ms() - jump)
        for after in (0.0, 0.2):
            await before.send(note(), Terms(after=after, within=1e6))
    dispatcher = await Dispatcher.open(office.bus, office.store, TOOLS, QUICK)
    dispatcher.start()
    await until(lambda: len(office.heard) == 2)


async def test_what_was_cut_off_in_its_last_attempt_is_a_dead_letter() -> None:
    office = Office()
    before = await office.open(start=False)
    seq = await before.send(note(), Terms())
    for _ in range(3):
        await office.store.begin([seq])
    dispatcher = await Dispatcher.open(office.bus, office.store, TOOLS, QUICK)
    dispatcher.start()
    async with asyncio.timeout(5):
        while not (dead := await office.store.entries("dead")):
            await asyncio.sleep(0.002)
    assert "the system ended during the last of 3 attempts" in dead[0].why


async def test_what_was_cut_off_and_then_expired_is_not_said_to_be_untried(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    before = await office.open(start=False)
    seq = await before.send(note(), Terms(within=1))
    await office.store.begin([seq])
    monkeypatch.setattr("mads.host.commands.envelope.now_ms", lambda: now_ms() + HOUR)
    dispatcher = await Dispatcher.open(office.bus, office.store, TOOLS, QUICK)
    dispatcher.start()
    async with asyncio.timeout(5):
        while not (dead := await office.store.entries("dead")):
            await asyncio.sleep(0.002)
    assert dead[0].why == "it was not done within its time; an attempt was cut off"


async def test_a_store_that_cannot_write_for_a_while_is_asked_again_and_the_handler_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mads.host.commands.dispatcher.REPAIR", 0.01)
    office, finish, failures = Office(), MemoryCommands.finish, [StoreError("the disk is full")] * 2

    async def failing(store: MemoryCommands, seqs: Sequence[int], *, now: int) -> int:
        if failures:
            raise failures.pop()
        return await finish(store, seqs, now=now)

    monkeypatch.setattr(MemoryCommands, "finish", failing)
    dispatcher = await office.open()
    await dispatcher.send(note(), Terms())
    async with asyncio.timeout(5):
        while await office.store.entries("open"):
            await asyncio.sleep(0.002)
    assert len(office.heard) == 1


async def test_a_child_sends_in_the_name_that_the_core_knows_and_only_to_tools() -> None:
    office = Office()
    dispatcher = await office.open()
    await serve_commands(office.bus, dispatcher)
    sends = RemoteSends(office.bus, HERALD)
    first = await sends.send(note("x", key="k"), Terms(once="17"))
    assert await sends.send(note("y"), Terms(once="17")) == first
    await until(lambda: office.heard)
    assert (office.heard[0].identity, office.heard[0].key) == (Identity("ana", "acme", ("herald",)), "k")
    for subject in ("host.kept.add", "mads.scribe.unknown", "event.scribe.Ended.v1"):
        with pytest.raises(InvalidMessage, match="is no tool for a command"):
            await sends.send(note(tool=subject), Terms())
    with pytest.raises(Denied, match="'operator' is no MAD, and only a MAD sends commands"):
        await RemoteSends(office.bus, Caller(Identity("operator"))).send(note(), Terms())
    with pytest.raises(InvalidMessage, match="within is nan"):
        await sends.send(note(), Terms(within=float("nan")))


async def test_a_system_with_too_many_open_commands_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mads.host.commands.dispatcher.OPEN", 2)
    dispatcher = await Office().open(start=False)
    for _ in range(2):
        await dispatcher.send(note(), Terms())
    with pytest.raises(Overloaded, match="2 commands are open already"):
        await dispatcher.send(note(), Terms())


def test_pauses_grow_to_a_limit_and_are_no_shorter_than_was_asked_for() -> None:
    pauses = [Retries().pause(number, Failure("failed", "")) for number in range(1, 200)]
    assert 0.16 <= pauses[0] <= 0.34
    assert all(later > earlier for earlier, later in pairwise(pauses[:5]))
    assert max(pauses) <= 60 * 1.34
    assert Retries().pause(1, Failure("overloaded", "", retry_after=9)) == 9
