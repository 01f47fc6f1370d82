"""What was acknowledged is on the disk itself, not in a cache that goes when the power does.

Covers rows and commands on a disk that keeps what was synced and, by chance, some sectors of the rest; and that the
same look sees the loss where a log is not synced. Does not cover a drive that lies about what it has written.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from chaos.disk import Disk, cut

from mads.store.commands.port import Order
from mads.store.commands.sqlite import SqliteCommands
from mads.store.database import Database
from mads.store.kept import SqliteRows
from mads.store.migrations import shipped
from mads.store.migrations.upgrade import upgrade
from mads.store.sqlite import connect
from mads.store.writer import Writer
from mads.testing.store_suite import NOTES

COVERS = ("R-120",)

PAGES = 25
"""How many pages a log may have until it is folded into the database: few, so that cuts hit that too."""
ORDER: dict[str, Any] = {
    **dict.fromkeys(("key", "once", "within")),
    **dict.fromkeys(("tenant", "sender", "subject"), "mads.a.b"),
    **dict.fromkeys(("sent", "due", "band"), 0),
    "attempts": 8,
}


class Acknowledged:
    """Whatever several tasks are told is kept, and where it is kept."""

    def __init__(self, database: Database) -> None:
        self.rows, self.commands = SqliteRows(database), SqliteCommands(database)
        self.kept, self.sent = list[int](), list[int]()

    async def work(self, chance: random.Random) -> None:
        """Add a row and send a command, over and over."""
        while True:
            self.kept.append(await self.rows.add(NOTES, chance.randbytes(chance.randrange(3000))))
            order = Order(**ORDER, envelope=chance.randbytes(99))
            self.sent += [seq for seq, _ in await self.commands.add([order])]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Let the databases in one folder lie on such a disk."""
    (tmp_path / "data").mkdir()
    disk = Disk(tmp_path / "data", tmp_path / "shadow")
    yield disk
    disk.unregister()


@asynccontextmanager
async def database(path: Path, synchronous: str) -> AsyncGenerator[Database]:
    """Open a database that syncs as it is told to."""
    await asyncio.to_thread(upgrade, path, shipped())
    connection = connect(path)
    connection.pragma("synchronous", synchronous)
    connection.pragma("wal_autocheckpoint", PAGES)
    opened = Database(path, Writer(connection), [connect(path, readonly=True), connect(path, readonly=True)])
    try:
        yield opened
    finally:
        await opened.close()


async def lost(disk: Disk, tmp_path: Path, *, synchronous: str, cuts: int) -> tuple[int, int, int]:
    """Cut the power so often under load; return what was acknowledged, lost and, of all that was not synced, taken."""
    chance = random.Random(4)  # noqa: S311  nobody is to be kept from guessing
    gone, taken = set[tuple[str, int]](), 0
    async with database(disk.folder / "store.sqlite", synchronous) as opened:
        told = Acknowledged(opened)
        tasks = [asyncio.create_task(told.work(chance)) for _ in range(8)]
        for number in range(cuts):
            many = len(told.sent) + chance.randrange(5, 60)
            async with asyncio.timeout(20):
                while len(told.sent) < many:
                    await asyncio.sleep(0.001)
            kept, sent = list(told.kept), list(told.sent)
            left = tmp_path / f"after-{number}"
            with disk.lock:
                taken += cut(disk.folder, disk.shadow, left, chance if number % 2 else None)
            gone |= await missing(left / "store.sqlite", kept, sent)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return len(told.kept) + len(told.sent), len(gone), taken


async def missing(path: Path, kept: list[int], sent: list[int]) -> set[tuple[str, int]]:
    """Return what of all that was acknowledged is not in what a cut has left."""
    left = await Database.open(path)
    rows = {row for row, _ in await SqliteRows(left).rows(NOTES)}
    open_ = {entry.seq for entry in await SqliteCommands(left).entries("open")}
    await left.close()
    return {("row", row) for row in kept if row not in rows} | {("command", seq) for seq in sent if seq not in open_}


@pytest.mark.slow
async def test_what_was_acknowledged_survives_a_power_cut_at_any_time(tmp_path: Path, disk: Disk) -> None:
    acknowledged, gone, taken = await lost(disk, tmp_path, synchronous="FULL", cuts=25)
    assert acknowledged > 500
    assert taken > 0
    assert gone == 0


@pytest.mark.slow
async def test_where_the_log_is_not_synced_the_same_look_sees_loss(tmp_path: Path, disk: Disk) -> None:
    _, gone, _ = await lost(disk, tmp_path, synchronous="NORMAL", cuts=6)
    assert gone > 0
