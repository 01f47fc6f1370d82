"""The MADs that faults are tried on: one sends, one handles and writes down what it handled, others are neighbours."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mads import Clock, Emit, Kept, Send, Step, Turn, mad, message, on, tool


@message
class Job:
    """One piece of work, the so-and-so-manieth under its key."""

    key: str
    number: int


@message
class Hint:
    """The same as an event, which nobody promises to deliver: what a kill loses of these shows that loss is seen."""

    number: int


@mad
class Desk:
    """You do jobs, and write each into the file `ledger` at once, past every store."""

    ledger: str
    turn: Turn
    clock: Clock
    kept: Kept[Job]
    step: Step

    @tool
    async def do(self, job: Job) -> None:
        """Do a job: half of it in a step, half after that is finished for good."""
        await self.step("half", self._half, job)
        note(self.ledger, "job", job.key, job.number, self.turn.attempt)
        await self.clock.sleep(0.002)

    async def _half(self, job: Job) -> int:
        note(self.ledger, "half", job.key, job.number, self.turn.attempt)
        await self.clock.sleep(0.002)
        return job.number

    @tool
    async def keep(self, job: Job) -> None:
        """Keep a job."""
        await self.kept.add(job)

    @tool(read_only=True)
    async def all_kept(self) -> list[Job]:
        """Return what was kept, in order."""
        return await self.kept.where()


@mad
class Post:
    """You hand jobs on."""

    desk: Desk
    send: Send
    emit: Emit

    @tool
    async def post(self, job: Job) -> int:
        """Send a job; return the number on its receipt."""
        receipt = await self.send(self.desk.do, job, key=job.key)
        return receipt.id

    @tool
    async def hint(self, number: int) -> None:
        """Tell everybody."""
        await self.emit(Hint(number))


@mad
class Gossip:
    """You hear hints, one after the other, and take your time."""

    ledger: str
    clock: Clock

    @on(Hint)
    async def hear(self, hint: Hint) -> None:
        """Write a hint down."""
        await self.clock.sleep(0.03)
        note(self.ledger, "hint", "", hint.number, 1)


@mad
class Neighbour:
    """You answer at once; you say what time it is to you."""

    @tool(read_only=True)
    async def ping(self, number: int) -> int:
        """Return the number."""
        return number

    @tool(read_only=True)
    async def wall(self) -> float:
        """Return the seconds since 1970."""
        return time.time()


def note(ledger: str, kind: str, key: str, number: int, attempt: int) -> None:
    """Add a line to a ledger, in one piece."""
    handle = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{kind} {key or '-'} {number} {attempt}\n".encode())
    finally:
        os.close(handle)


def notes(ledger: Path) -> list[tuple[str, str, int, int]]:
    """Return the lines of a ledger: kind, key, number, attempt."""
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return [(kind, key, int(number), int(attempt)) for kind, key, number, attempt in map(str.split, lines)]
