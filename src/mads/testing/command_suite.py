"""What every store of commands must hold: `CHECKS`, each of which gets an empty store, and `follows_a_plain_list`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from msgspec import Struct, field

from mads.store.commands.port import WINDOW, Added, Commands, Finished, Order, State, Step, Steps


class Store(Commands, Steps, Protocol):
    """Commands and their steps in one store."""


Check = Callable[[Store], Awaitable[None]]
"""A promise as a test."""

Open = Callable[[], AbstractAsyncContextManager[Store]]
"""Opens an empty store."""

NOW = 1_800_000_000_000

ORDER = Order(
    tenant="acme",
    sender="herald",
    subject="mads.scribe.write",
    key="release",
    band=2,
    once=None,
    sent=NOW,
    due=NOW + 5,
    within=3_600_000,
    attempts=8,
    envelope=b"\x00note",
)
ONCE = msgspec.structs.replace(ORDER, once="note-17")


async def what_is_added_is_open_in_the_order_of_its_number(commands: Commands) -> None:
    first, second = [(await _add(commands))[0] for _ in range(2)]
    assert first < second
    assert [entry.seq for entry in await commands.entries("open")] == [first, second]
    found = await commands.read(first, "open")
    assert found is not None
    entry, envelope = found
    assert envelope == ORDER.envelope
    assert (entry.attempt, entry.since, entry.due, entry.why) == (0, NOW, NOW + 5, "")
    for name in set(Order.__struct_fields__) & set(entry.__struct_fields__):
        assert getattr(entry, name) == getattr(ORDER, name)


async def what_is_added_at_once_is_all_there(commands: Commands) -> None:
    added = await asyncio.gather(*(_add(commands) for _ in range(100)))
    assert sorted(seq for seq, _ in added) == [entry.seq for entry in await commands.entries("open")]
    assert len(await commands.entries("open")) == 100


async def what_is_added_together_has_numbers_in_its_order(commands: Commands) -> None:
    for count in (1, 7, 8, 9, 200):
        orders = [msgspec.structs.replace(ORDER, key=f"{count}.{place}") for place in range(count)]
        orders[count // 2] = msgspec.structs.replace(orders[count // 2], once=f"{count}")
        added = await commands.add(orders)
        assert [seq for seq, new in added if new] == sorted(seq for seq, _ in added)
        keys = {entry.seq: entry.key for entry in await commands.entries("open")}
        assert [keys[seq] for seq, _ in added] == [order.key for order in orders]


async def an_attempt_is_counted_when_it_begins(commands: Commands) -> None:
    seq, _ = await _add(commands)
    other, _ = await _add(commands)
    assert await commands.begin([seq]) == {seq: ORDER.envelope}
    assert await commands.begin([other, seq]) == {seq: ORDER.envelope, other: ORDER.envelope}
    assert [entry.attempt for entry in await commands.entries("open")] == [2, 1]
    await commands.finish([seq], now=NOW)
    assert await commands.begin([seq, other, other + 1]) == {other: ORDER.envelope}


async def what_is_done_is_in_no_list_and_its_number_is_not_given_again(commands: Commands) -> None:
    seq, _ = await _add(commands)
    assert await commands.finish([seq, seq + 1], now=NOW) == 1
    assert await commands.finish([seq], now=NOW) == 0
    assert [*await commands.entries("open"), *await commands.entries("dead")] == []
    assert (await _add(commands))[0] > seq


async def what_failed_is_due_later_or_dead(commands: Commands) -> None:
    later, dead = [(await _add(commands))[0] for _ in range(2)]
    await commands.fail(later, now=NOW + 1, why="it rains", due=NOW + 9)
    await commands.fail(dead, now=NOW + 2, why="it snows", due=None)
    (entry,) = await commands.entries("open")
    assert (entry.seq, entry.since, entry.due, entry.why) == (later, NOW + 1, NOW + 9, "it rains")
    (entry,) = await commands.entries("dead")
    assert (entry.seq, entry.since, entry.due, entry.why) == (dead, NOW + 2, NOW + 5, "it snows")
    assert await commands.begin([dead]) == {}
    await commands.fail(dead, now=NOW + 3, why="late", due=NOW + 9)
    assert len(await commands.entries("open")) == 1


async def an_attempt_that_did_not_arrive_was_none(commands: Commands) -> None:
    seq, _ = await _add(commands)
    await commands.begin([seq])
    await commands.fail(seq, now=NOW, why="nobody is there", due=NOW, arrived=False)
    assert [(entry.attempt, entry.attempts) for entry in await commands.entries("open")] == [(0, 7)]
    await commands.begin([seq])
    await commands.fail(seq, now=NOW, why="others are more urgent", due=NOW, more=1)
    assert [(entry.attempt, entry.attempts) for entry in await commands.entries("open")] == [(1, 8)]


async def a_dead_one_is_opened_anew(commands: Commands) -> None:
    seq, _ = await _add(commands)
    assert await commands.reopen(seq, now=NOW + 9, attempts=8) is None
    for _ in range(8):
        await commands.begin([seq])
    await commands.fail(seq, now=NOW + 1, why="it snows", due=None)
    entry = await commands.reopen(seq, now=NOW + 9, attempts=8)
    assert entry is not None
    assert (entry.attempt, entry.attempts, entry.due, entry.within, entry.why) == (8, 16, NOW + 9, None, "it snows")
    assert await commands.entries("open") == [entry]
    assert await commands.reopen(seq, now=NOW + 9, attempts=8) is None


async def once_is_once_for_its_sender_and_tenant(commands: Commands) -> None:
    seq, new = await _add(commands, ONCE)
    assert new
    assert await _add(commands, ONCE) == (seq, False)
    for change in ({"tenant": "umbrella"}, {"sender": "clerk"}, {"once": "note-18"}, {"once": None}):
        other, new = await _add(commands, msgspec.structs.replace(ONCE, **change))
        assert new
        assert other != seq


async def once_is_remembered_for_a_while_after_it_was_done(commands: Commands) -> None:
    seq, _ = await _add(commands, ONCE)
    much_later = msgspec.structs.replace(ONCE, sent=NOW + 10 * WINDOW)
    assert await _add(commands, much_later) == (seq, False)
    await commands.finish([seq], now=NOW)
    assert await _add(commands, msgspec.structs.replace(ONCE, sent=NOW + WINDOW)) == (seq, False)
    assert await _add(commands, msgspec.structs.replace(ONCE, sent=NOW - 10 * WINDOW)) == (seq, False)
    again, new = await _add(commands, msgspec.structs.replace(ONCE, sent=NOW + WINDOW + 1))
    assert new
    assert again > seq


async def _add(commands: Commands, order: Order = ORDER) -> Added:
    (added,) = await commands.add([order])
    return added


async def a_finished_step_is_kept_once_and_only_by_the_attempt_that_counts(commands: Store) -> None:
    seq, _ = await _add(commands)
    step = Step(seq, 1, "pay", "bank.pay", "v1", b"first", ("untrusted:bank",))
    assert await commands.keep([step]) == [False]
    await commands.begin([seq])
    again = msgspec.structs.replace(step, result=b"second")
    stale = msgspec.structs.replace(step, attempt=2, name="ship")
    assert await commands.keep([step, again, stale]) == [True, True, False]
    assert await commands.finished(seq) == [Finished("pay", "bank.pay", "v1")]
    assert [await commands.result(seq, name) for name in ("pay", "ship")] == [(b"first", ("untrusted:bank",)), None]
    await commands.begin([seq])
    assert await commands.keep([msgspec.structs.replace(step, name="late"), stale]) == [False, True]
    assert [it.name for it in await commands.finished(seq)] == ["pay", "ship"]


async def steps_stay_with_a_dead_command_and_go_when_it_is_done(commands: Store) -> None:
    for order in (ORDER, ONCE):
        seq, _ = await _add(commands, order)
        await commands.begin([seq])
        await commands.keep([Step(seq, 1, "pay", "bank.pay", "", b"")])
        await commands.fail(seq, now=NOW, why="it snows", due=None)
        assert await commands.keep([Step(seq, 1, "ship", "", "", b"")]) == [False]
        assert [it.name for it in await commands.finished(seq)] == ["pay"]
        await commands.finish([seq], now=NOW)
        assert await commands.finished(seq) == []
        assert await commands.result(seq, "pay") is None


CHECKS: tuple[Check, ...] = (
    what_is_added_is_open_in_the_order_of_its_number,
    what_is_added_at_once_is_all_there,
    what_is_added_together_has_numbers_in_its_order,
    an_attempt_is_counted_when_it_begins,
    what_is_done_is_in_no_list_and_its_number_is_not_given_again,
    what_failed_is_due_later_or_dead,
    an_attempt_that_did_not_arrive_was_none,
    a_dead_one_is_opened_anew,
    once_is_once_for_its_sender_and_tenant,
    once_is_remembered_for_a_while_after_it_was_done,
    a_finished_step_is_kept_once_and_only_by_the_attempt_that_counts,
    steps_stay_with_a_dead_command_and_go_when_it_is_done,
)


def follows_a_plain_list(open_commands: Open) -> None:
    """Take a store and a list through the same random steps; they must say the same. Runs its own loop."""

    class Twins(_Twins):
        def __init__(self) -> None:
            super().__init__(open_commands)

    run_state_machine_as_test(Twins, settings=settings(max_examples=20, stateful_step_count=30, deadline=None))


class _Kept(Struct):
    seq: int
    once: str | None
    state: State = "open"
    attempt: int = 0
    done: int = 0
    steps: dict[str, bytes] = field(default_factory=dict[str, bytes])


class _Twins(RuleBasedStateMachine):
    """A store, and the list of commands that it must look like."""

    numbers = st.integers(0, 12)
    times = st.integers(0, 3).map(lambda days: NOW + days * (WINDOW // 2 + 1))

    def __init__(self, open_commands: Open) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = open_commands()
        self.commands = self.runner.run(self.opened.__aenter__())
        self.list: list[_Kept] = []

    def teardown(self) -> None:
        """Compare what is open and what is dead, and close the store."""
        for state in ("open", "dead"):
            entries = self.runner.run(self.commands.entries(state))
            expected = [(kept.seq, kept.attempt) for kept in self.list if kept.state == state]
            assert [(entry.seq, entry.attempt) for entry in entries] == expected
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @rule(once=st.sampled_from([None, "a", "b"]), now=times)
    def add(self, once: str | None, now: int) -> None:
        """Add a command, which may have been added before."""
        if once is not None:
            self.list = [kept for kept in self.list if kept.state != "done" or kept.done >= now - WINDOW]
        first = next((kept.seq for kept in self.list if once is not None and kept.once == once), None)
        seq, new = self.runner.run(_add(self.commands, msgspec.structs.replace(ORDER, once=once, sent=now)))
        assert new is (first is None)
        assert first in (None, seq)
        if new:
            self.list.append(_Kept(seq, once))

    @rule(seqs=st.sets(numbers, max_size=4))
    def begin(self, seqs: set[int]) -> None:
        """Begin attempts."""
        found = {seq: kept for seq in seqs if (kept := self._of(seq, "open")) is not None}
        assert self.runner.run(self.commands.begin([*seqs])) == dict.fromkeys(found, ORDER.envelope)
        for kept in found.values():
            kept.attempt += 1

    @rule(seq=numbers, due=st.none() | times)
    def fail(self, seq: int, due: int | None) -> None:
        """Let a command fail, for now or for good."""
        self.runner.run(self.commands.fail(seq, now=NOW, why="", due=due))
        found = self._of(seq, "open")
        if found and due is None:
            found.state = "dead"

    @rule(seq=numbers)
    def reopen(self, seq: int) -> None:
        """Open a dead command."""
        found = self._of(seq, "dead")
        assert (self.runner.run(self.commands.reopen(seq, now=NOW, attempts=8)) is None) is (found is None)
        if found:
            found.state = "open"

    @rule(seqs=st.sets(numbers, max_size=4), now=times)
    def finish(self, seqs: set[int], now: int) -> None:
        """Finish commands."""
        found = [kept for seq in seqs if (kept := self._of(seq, "open", "dead")) is not None]
        assert self.runner.run(self.commands.finish([*seqs], now=now)) == len(found)
        for kept in found:
            kept.state, kept.done, kept.steps = "done", now, {}

    @rule(seq=numbers, attempt=st.integers(0, 3), name=st.sampled_from(["pay", "ship"]), result=st.binary(max_size=3))
    def keep(self, seq: int, attempt: int, name: str, result: bytes) -> None:
        """Keep a step, maybe of an attempt that has ended."""
        found = self._of(seq, "open")
        counts = found is not None and found.attempt == attempt
        assert self.runner.run(self.commands.keep([Step(seq, attempt, name, "", "", result)])) == [counts]
        if found and counts:
            found.steps.setdefault(name, result)

    @rule(seq=numbers)
    def look(self, seq: int) -> None:
        """Look at the steps of a command."""
        steps: dict[str, bytes] = {}
        found = next((kept.steps for kept in self.list if kept.seq == seq), steps)
        assert [it.name for it in self.runner.run(self.commands.finished(seq))] == sorted(found)
        kept = found.get("pay")
        assert self.runner.run(self.commands.result(seq, "pay")) == (None if kept is None else (kept, ()))

    def _of(self, seq: int, *states: State) -> _Kept | None:
        return next((kept for kept in self.list if kept.seq == seq and kept.state in states), None)
