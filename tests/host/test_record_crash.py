"""What was written of the record is there after `kill -9`, in order and without a gap.

Covers the death of the core under load, several times over one database. Does not cover a power cut: tests/store does,
for all that goes through the database.
"""

from __future__ import annotations

import random
import signal
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from mads.host.paths import data_folder
from mads.store.database import Database
from mads.store.record.port import Query
from mads.store.record.sqlite import SqliteRecord
from mads.wire import codec
from mads.wire.record import Entry
from tests.host.calling import ROOT

COVERS = ("R-055", "R-120")

pytestmark = pytest.mark.slow

LIVES = 3


async def killed(folder: Path, run: str, after: int) -> int:
    """Let a system record calls, kill it once it has said so often how many, and return what it said last."""
    system = await create_subprocess_exec(
        sys.executable, "-m", "tests.host.calling", folder, run, stdout=PIPE, cwd=ROOT
    )
    assert system.stdout is not None
    said = [await system.stdout.readline() for _ in range(after)]
    system.kill()
    said += [line for line in (await system.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    assert await system.wait() == -signal.SIGKILL
    return int(said[-1])


@pytest.mark.parametrize("run", ["here", "process"])
async def test_what_was_written_is_there_after_the_core_was_killed(tmp_path: Path, run: str) -> None:
    chance = random.Random(7)  # noqa: S311  nobody is to be kept from guessing
    written, found, asked = 0, list[Entry](), list[bytes | None]()
    for life in range(1, LIVES + 1):
        written += await killed(tmp_path, run, chance.randrange(2, 6))
        database = await Database.open(data_folder(tmp_path) / "store.sqlite")
        record = SqliteRecord(database)
        found = await record.entries(Query(limit=10**7))
        if life == LIVES:
            asked = [await record.body(entry.asked) for entry in found if entry.mad == "bank"]
        assert await database.read(lambda it: it.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
        await database.close()
        assert [entry.seq for entry in found] == list(range(1, len(found) + 1))
        assert len(found) >= written > 0
        written = len(found)
    calls = [codec.decode(body or b"", dict) for body in asked]
    for owner in "0123":  # each task made one call after the other, in each of the three lives
        cents = [call["cents"] for call in calls if call["card"]["owner"] == owner]
        assert cents == [number for life in _lives(cents) for number in range(len(life))]


def _lives(cents: list[int]) -> list[list[int]]:
    starts = [place for place, number in enumerate(cents) if number == 0]
    return [cents[start:end] for start, end in zip(starts, [*starts[1:], len(cents)], strict=True)]
