"""A file with a byte that is not as it was written is refused, and what was acknowledged is never left out in silence.

Covers the log as a crash leaves it, and what is kept and to be done in the database. Does not cover a log that was cut
off or taken away, nor the times and numbers beside a command: nothing would say so.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.store.commands.port import Order
from mads.store.commands.sqlite import SqliteCommands
from mads.store.database import Database
from mads.store.kept import SqliteRows
from mads.store.log import look_over
from mads.store.migrations import shipped, up
from mads.store.migrations.upgrade import upgrade
from mads.store.sqlite import connect
from mads.testing.store_suite import NOTES
from mads.wire.errors import StoreError
from tests.store.test_power_cut import ORDER

COVERS = ("R-120",)

COUNT = 12
DATA = bytes(range(256)) * 10
ADD = "INSERT INTO kept (tenant, mad, field, type, body) VALUES ('t', 'm', 'f', 't.v1', zeroblob(3000))"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with `COUNT` rows, each of a transaction of its own, as a crash leaves it: all in its log."""
    folder = tmp_path_factory.mktemp("left")
    path = folder / "store.sqlite"
    with closing(connect(path)) as connection:
        up(connection, shipped())
        connection.pragma("wal_checkpoint", "TRUNCATE")
        for _ in range(COUNT):
            connection.execute(ADD)
        for file in (path, log_of(path)):
            shutil.copy(file, folder / f"left-{file.name}")
    return folder / "left-store.sqlite"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with rows and commands, as a system leaves it that was stopped."""
    path = tmp_path_factory.mktemp("filled") / "store.sqlite"

    async def fill() -> None:
        database = await Database.open(path)
        for _ in range(COUNT):
            await SqliteRows(database).add(NOTES, DATA)
            await SqliteCommands(database).add([Order(**ORDER, envelope=DATA)])
        await database.close()

    asyncio.run(fill())
    return path


async def held(path: Path) -> list[tuple[Any, ...]]:
    """Return what a system would do with a database: what is kept, and what is to be done for whom."""
    database = await Database.open(path)
    rows, commands = SqliteRows(database), SqliteCommands(database)
    found: list[tuple[Any, ...]] = [(body,) for _, body in await rows.rows(NOTES)]
    for entry in await commands.entries("open"):
        read = await commands.read(entry.seq, "open")
        assert read is not None
        found.append((entry.tenant, entry.sender, entry.subject, entry.key, read[1]))
    await database.close()
    return found


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def rows(path: Path) -> int:
    with closing(connect(path)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM kept").fetchall()
    return int(count)


def test_a_log_that_is_whole_is_used(left: Path) -> None:
    assert look_over(left) is False
    assert log_of(left).stat().st_size > COUNT * 3000


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), in_head=st.booleans())
def test_a_bit_of_the_log_that_flips_hides_no_row_but_the_last_and_that_is_told(
    left: Path, place: float, bit: int, *, in_head: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(left, folder))
        content = bytearray(log_of(left).read_bytes())
        content[int(place * (32 if in_head else len(content)))] ^= 1 << bit
        log_of(path).write_bytes(content)
        try:
            is_cut = look_over(path)
        except StoreError as refused:
            assert f"{log_of(path)}: it is damaged" in str(refused)
            assert log_of(path).read_bytes() == content
            return
        assert rows(path) == COUNT - is_cut


def test_a_transaction_that_was_cut_off_while_it_was_written_is_told_and_left_out(left: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(left, tmp_path))
    log_of(path).write_bytes(log_of(left).read_bytes()[:-3000] + b"\xaa" * 3000)
    assert look_over(path) is True
    assert rows(path) == COUNT - 1


async def test_a_damaged_log_keeps_a_system_from_starting_and_stays_as_it_is(left: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(left, tmp_path))
    content = bytearray(log_of(left).read_bytes())
    content[len(content) // 3] ^= 1
    log_of(path).write_bytes(content)
    with pytest.raises(StoreError, match="what was acknowledged would be lost with it; move it out of the way"):
        await Database.open(path)
    assert log_of(path).read_bytes() == content


async def test_a_database_that_was_emptied_beside_its_log_is_no_new_one(left: Path, tmp_path: Path) -> None:
    path = tmp_path / left.name
    shutil.copy(log_of(left), log_of(path))
    for _ in range(2):
        with pytest.raises(StoreError, match="it is empty, and"):
            await Database.open(path)
        path.touch()
    assert log_of(path).read_bytes() == log_of(left).read_bytes()


def test_a_page_of_the_database_that_is_damaged_is_found_before_it_is_used(left: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(left, tmp_path))
    shutil.copy(log_of(left), log_of(path))
    assert rows(path) == COUNT  # and the log is folded in
    content = path.read_bytes()
    refused = 0
    for page in range(4096, len(content), 4096):
        path.write_bytes(content[:page] + b"\xaa" * 512 + content[page + 512 :])
        try:
            upgrade(path, shipped())
        except StoreError as error:
            assert f"{path}: it is damaged" in str(error)
            refused += 1
        else:
            assert rows(path) == COUNT  # what was overwritten is within the body of a row
    assert refused >= len(content) // 4096 - 1 - COUNT


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_bit_of_the_database_that_flips_is_found_at_start_or_has_changed_nothing(
    filled: Path, place: float, bit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(filled, folder))
        content = bytearray(filled.read_bytes())
        content[int(place * len(content))] ^= 1 << bit
        path.write_bytes(content)
        try:
            found = asyncio.run(held(path))
        except StoreError as refused:
            assert str(path) in str(refused)
        else:
            assert found == asyncio.run(held(filled))
