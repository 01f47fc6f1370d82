"""What was acknowledged beside what was done: nothing of the one may be missing in the other, nor out of order."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from chaos.crew import notes
from chaos.report import Broken
from chaos.world import REPOSITORY, World

CREW = (
    'post = {{ use = "chaos.crew:Post", run = "process" }}',
    'desk = {{ use = "chaos.crew:Desk", run = "process", set = {{ ledger = "{ledger}" }} }}',
    'gossip = {{ use = "chaos.crew:Gossip", at_once = 1, set = {{ ledger = "{ledger}" }} }}',
)
ENOUGH = 15
"""So many receipts are a load."""


@dataclass(frozen=True)
class Count:
    """What a ledger shows of commands, of their steps, and of kept rows and events."""

    acknowledged: int
    lost: int
    again: int
    disordered: int
    repeated: int
    kept: int
    kept_lost: int
    hints: int
    hints_lost: int

    @property
    def gone(self) -> int:
        """How much of what was acknowledged is lost."""
        return self.lost + self.kept_lost

    @property
    def broke(self) -> str:
        """What did not hold; "" where all did."""
        return str(self) if self.gone or self.disordered or self.repeated else ""

    @property
    def figures(self) -> dict[str, float]:
        """The figures that are added up over all faults."""
        return {"acknowledged": self.acknowledged + self.kept, "lost": self.gone}

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} commands and {self.kept} rows acknowledged, {self.gone} lost, "
            f"{self.disordered} out of order, {self.repeated} finished steps repeated"
        )


class Ledger:
    """The files in `folder` into which the load and the desk write."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.done, self.receipts = folder / "done.txt", folder / "receipts.txt"

    def crew(self) -> list[str]:
        """Return the MADs that are tried, as lines of `mads.toml`."""
        return [line.format(ledger=self.done) for line in CREW]

    @asynccontextmanager
    async def load(self, world: World) -> AsyncGenerator[None]:
        """Let the load run on `world` while the block lasts, and come to its end then."""
        words = ("-m", "chaos.load", world.root, self.receipts)
        process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=REPOSITORY, start_new_session=True)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(15):
                await process.wait()

    async def flows(self, world: World) -> None:
        """Wait until receipts come, whatever has just happened: only then there is a load."""
        before = len(notes(self.receipts))
        await world.until("receipts come", lambda: len(notes(self.receipts)) > before + ENOUGH)

    def missing(self) -> set[tuple[str, int]]:
        """Return the commands that were acknowledged and not done."""
        done = {(key, number) for kind, key, number, _ in notes(self.done) if kind == "job"}
        return {(key, number) for kind, key, number, _ in notes(self.receipts) if kind == "job"} - done

    async def count(self, world: World, *, within: float = 20) -> Count:
        """Wait until what was acknowledged is done, or is not for long, and return what there is."""
        with suppress(Broken):  # what is missing is counted
            await world.until("all is done", lambda: not self.missing(), within=within)
        kept = {job["number"] for job in await world.line.call("desk.all_kept", within=20)}
        told, done = notes(self.receipts), notes(self.done)
        hints = {number for kind, _, number, _ in told if kind == "hint"}
        heard = {number for kind, _, number, _ in done if kind == "hint"}
        promised = {number for kind, _, number, _ in told if kind == "kept"}
        return Count(
            acknowledged=sum(kind == "job" for kind, *_ in told),
            lost=len(self.missing()),
            again=sum(kind == "job" and attempt > 1 for kind, _, _, attempt in done),
            disordered=_disordered(done),
            repeated=_repeated(done),
            kept=len(promised),
            kept_lost=len(promised - kept),
            hints=len(hints),
            hints_lost=len(hints - heard),
        )


def _disordered(done: list[tuple[str, str, int, int]]) -> int:
    """Return how often a key's command was first done before one that was sent earlier."""
    first: dict[str, dict[int, None]] = defaultdict(dict)
    for kind, key, number, _ in done:
        if kind == "job":
            first[key].setdefault(number)
    return sum(one > two for numbers in first.values() for one, two in pairwise(numbers))


def _repeated(done: list[tuple[str, str, int, int]]) -> int:
    """Return how often a step was taken again after its command had gone on from it."""
    passed: set[tuple[str, int]] = set()
    repeated = 0
    for kind, key, number, _ in done:
        if kind == "job":
            passed.add((key, number))
        elif kind == "half":
            repeated += (key, number) in passed
    return repeated
