"""The port that every store of commands fills, and what it promises.

* What a method has returned from is on disk: no crash undoes it. What raised has changed nothing.
* A command's `seq` is never given twice; what was added later has a larger one.
* A command is open, then done, or dead until it is opened again or finished. What is not in the state that a method
  asks for is left as it is.
* Of commands of one (tenant, sender, `once`) only the first is kept; the others get its `seq`. That holds while it is
  open or dead, and for `WINDOW` after it was done.
* The finished steps of a command are there as long as it is open or dead; they go when it is done.
* All times are given by the caller, in milliseconds since 1970: a store has no clock, so none can mislead it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from mads.store.port import Taint

WINDOW = 24 * 3600 * 1000
"""For how many milliseconds a command that is done is remembered by its `once`."""

State = Literal["open", "done", "dead"]


class Order(Struct, frozen=True, gc=False):
    """A command as it is to be kept: whose it is, where it goes, when; its `envelope` is for the host to read."""

    tenant: str
    sender: str
    subject: str
    key: str | None
    band: int
    once: str | None
    sent: int
    due: int
    within: int | None
    attempts: int
    envelope: bytes


class Entry(Struct, frozen=True, gc=False):
    """A command as it is kept, without its envelope.

    `attempt` is the last that was begun, `attempts` how many there may be; `since` is when `due` was written, or when
    it ended; `why` says why the last attempt failed.
    """

    seq: int
    tenant: str
    sender: str
    subject: str
    key: str | None
    band: int
    sent: int
    within: int | None
    since: int
    due: int
    attempt: int
    attempts: int
    why: str


Added = tuple[int, bool]
"""The `seq` of a command, or that of the first of its `once`, and whether it is new."""


class Step(Struct, frozen=True, gc=False):
    """A finished step of a command: in which attempt it was taken, what was called by which code, and its result.

    `taint` are the labels that whoever took it had by then.
    """

    command: int
    attempt: int
    name: str
    work: str
    version: str
    result: bytes
    taint: Taint = ()


class Finished(Struct, frozen=True, gc=False):
    """A finished step, without its result."""

    name: str
    work: str
    version: str


class Commands(Protocol):
    """A store of commands; it never looks into their envelopes."""

    async def add(self, orders: Sequence[Order]) -> Sequence[Added]:
        """Keep more commands, all or none, numbered in their order."""
        ...

    async def begin(self, seqs: Sequence[int]) -> Mapping[int, bytes]:
        """Say that the next attempt of each begins; return the envelopes of those that are open, by `seq`."""
        ...

    async def fail(self, seq: int, *, now: int, why: str, due: int | None, arrived: bool = True, more: int = 0) -> None:
        """Say that an open command failed: it is tried again at `due`, or where that is None it is dead.

        Unless it `arrived` at its handler, the attempt that was begun was none, and one fewer may be made. So many
        `more` attempts may be made.
        """

    async def reopen(self, seq: int, *, now: int, attempts: int) -> Entry | None:
        """Open a dead command, due `now`, for so many attempts more and without an end; None where it is not dead."""
        ...

    async def finish(self, seqs: Sequence[int], *, now: int) -> int:
        """Say that open or dead commands are done; return how many of them there were."""
        ...

    async def entries(self, state: State) -> Sequence[Entry]:
        """Return the commands in `state`, by `seq`."""
        ...

    async def read(self, seq: int, state: State) -> tuple[Entry, bytes] | None:
        """Return a command in `state` with its envelope; None where there is none."""
        ...


class Steps(Protocol):
    """The journal of what open commands have done."""

    async def keep(self, steps: Sequence[Step]) -> Sequence[bool]:
        """Keep finished steps, the first of each name; return of each whether its attempt still counts.

        It does while its command is open and no later attempt has begun.
        """
        ...

    async def finished(self, command: int) -> Sequence[Finished]:
        """Return the finished steps of an open or dead command, by name."""
        ...

    async def result(self, command: int, name: str) -> tuple[bytes, Taint] | None:
        """Return the result of a finished step, and its taint; None where there is none."""
        ...
