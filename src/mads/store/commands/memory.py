"""Commands and their steps in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from mads.store.commands.port import WINDOW, Added, Entry, Finished, Order, State, Step
from mads.store.port import Taint


class _Row(Struct):
    state: State
    once: str | None
    envelope: bytes
    entry: Entry


class MemoryCommands:
    """Keeps commands and their steps for as long as it lives."""

    def __init__(self) -> None:
        self._next = itertools.count(1).__next__
        self._rows: dict[int, _Row] = {}
        self._steps: dict[int, dict[str, Step]] = {}

    async def add(self, orders: Sequence[Order]) -> Sequence[Added]:
        """Keep more commands, all or none, numbered in their order."""
        return [self._add(order) for order in orders]

    async def begin(self, seqs: Sequence[int]) -> Mapping[int, bytes]:
        """Say that the next attempt of each begins; return the envelopes of those that are open, by `seq`."""
        found: dict[int, bytes] = {}
        for seq in seqs:
            row = self._of(seq, "open")
            if row is not None:
                row.entry = msgspec.structs.replace(row.entry, attempt=row.entry.attempt + 1)
                found[seq] = row.envelope
        return found

    async def fail(self, seq: int, *, now: int, why: str, due: int | None, arrived: bool = True, more: int = 0) -> None:
        """Say that an open command failed: it is tried again at `due`, or where that is None it is dead."""
        row = self._of(seq, "open")
        if row is not None:
            row.state = "dead" if due is None else "open"
            due = row.entry.due if due is None else due
            it, less = row.entry, int(not arrived)
            row.entry = msgspec.structs.replace(
                it, since=now, due=due, why=why, attempt=it.attempt - less, attempts=it.attempts - less + more
            )

    async def reopen(self, seq: int, *, now: int, attempts: int) -> Entry | None:
        """Open a dead command, due `now`, for so many attempts more and without an end; None where it is not dead."""
        row = self._of(seq, "dead")
        if row is None:
            return None
        row.state, may = "open", row.entry.attempt + attempts
        row.entry = msgspec.structs.replace(row.entry, since=now, due=now, within=None, attempts=may)
        return row.entry

    async def finish(self, seqs: Sequence[int], *, now: int) -> int:
        """Say that open or dead commands are done; return how many of them there were."""
        rows = [row for seq in seqs if (row := self._of(seq, "open", "dead")) is not None]
        for row in rows:
            row.state, row.envelope = "done", b""
            self._steps.pop(row.entry.seq, None)
            row.entry = msgspec.structs.replace(row.entry, since=now)
            if row.once is None:
                del self._rows[row.entry.seq]
        return len(rows)

    async def entries(self, state: State) -> Sequence[Entry]:
        """Return the commands in `state`, by `seq`."""
        return [row.entry for row in self._rows.values() if row.state == state]

    async def read(self, seq: int, state: State) -> tuple[Entry, bytes] | None:
        """Return a command in `state` with its envelope; None where there is none."""
        row = self._of(seq, state)
        return None if row is None else (row.entry, row.envelope)

    async def keep(self, steps: Sequence[Step]) -> Sequence[bool]:
        """Keep finished steps, the first of each name; return of each whether its attempt still counts."""
        count = [self._counts(step) for step in steps]
        for step, counts in zip(steps, count, strict=True):
            if counts:
                self._steps.setdefault(step.command, {}).setdefault(step.name, step)
        return count

    async def finished(self, command: int) -> Sequence[Finished]:
        """Return the finished steps of an open or dead command, by name."""
        found = self._steps.get(command, {})
        return [Finished(step.name, step.work, step.version) for _, step in sorted(found.items())]

    async def result(self, command: int, name: str) -> tuple[bytes, Taint] | None:
        """Return the result of a finished step, and its taint; None where there is none."""
        step = self._steps.get(command, {}).get(name)
        return None if step is None else (step.result, step.taint)

    def _counts(self, step: Step) -> bool:
        row = self._of(step.command, "open")
        return row is not None and row.entry.attempt == step.attempt

    def _add(self, order: Order) -> Added:
        if order.once is not None:
            self._forget(order.sent - WINDOW)
            for seq, row in self._rows.items():
                if (row.entry.tenant, row.entry.sender, row.once) == (order.tenant, order.sender, order.once):
                    return seq, False
        seq = self._next()
        shared = {name: getattr(order, name) for name in Entry.__struct_fields__ if name in Order.__struct_fields__}
        entry = Entry(**shared, seq=seq, since=order.sent, attempt=0, why="")
        self._rows[seq] = _Row("open", order.once, order.envelope, entry)
        return seq, True

    def _of(self, seq: int, *states: State) -> _Row | None:
        row = self._rows.get(seq)
        return row if row is not None and row.state in states else None

    def _forget(self, before: int) -> None:
        for seq in [seq for seq, row in self._rows.items() if row.state == "done" and row.entry.since < before]:
            del self._rows[seq]
