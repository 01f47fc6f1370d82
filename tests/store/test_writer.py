"""What waits is written together and acknowledged once it is on disk; what fails, fails alone."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any, cast

import apsw
import pytest

from mads.store.sqlite import Connection, connect
from mads.store.writer import Writer
from mads.wire.errors import StoreError


def opened(folder: Path) -> Connection:
    connection = connect(folder / "notes.sqlite")
    connection.execute("CREATE TABLE notes (text UNIQUE)")
    return connection


def read(folder: Path) -> list[Any]:
    reader = connect(folder / "notes.sqlite", readonly=True)
    try:
        return [text for (text,) in reader.execute("SELECT text FROM notes ORDER BY rowid")]
    finally:
        reader.close()


def note(text: str) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))
        return connection.last_insert_rowid()

    return work


@asynccontextmanager
async def held(writer: Writer) -> AsyncGenerator[None]:
    """Keep the writer's thread busy for as long as the block lasts."""
    started, go_on = asyncio.Event(), Event()
    loop = asyncio.get_running_loop()

    def hold(_: Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(10)

    holding = asyncio.create_task(writer.write(hold))
    await started.wait()
    try:
        yield
    finally:
        go_on.set()
    await holding


async def test_what_is_acknowledged_is_on_disk(tmp_path: Path) -> None:
    writer = Writer(opened(tmp_path))
    for number in range(10):
        await writer.write(note(str(number)))
        assert read(tmp_path)[-1] == str(number)
    await writer.close()


async def test_what_waits_becomes_one_transaction(tmp_path: Path) -> None:
    connection = opened(tmp_path)
    commits: list[int] = []

    def committing() -> bool:
        commits.append(1)
        return False

    cast("apsw.Connection", connection).set_commit_hook(committing)
    writer = Writer(connection)
    async with held(writer):
        waiting = [asyncio.create_task(writer.write(note(str(number)))) for number in range(100)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == list(range(1, 101))
    assert len(commits) == 2  # what held the writer, and all that waited
    await writer.close()


async def test_work_that_fails_is_undone_alone(tmp_path: Path) -> None:
    def half(connection: Connection) -> None:
        note("half")(connection)
        raise LookupError("the other half is missing")

    writer = Writer(opened(tmp_path))
    async with held(writer):
        waiting = [asyncio.create_task(writer.write(work)) for work in (note("one"), half, note("one"), note("two"))]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [int, LookupError, apsw.ConstraintError, int]
    assert read(tmp_path) == ["one", "two"]
    await writer.close()


async def test_a_full_disk_fails_whatever_shares_the_transaction_and_nothing_after(tmp_path: Path) -> None:
    connection = opened(tmp_path)
    connection.pragma("max_page_count", 4)
    writer = Writer(connection)
    async with held(writer):
        waiting = [asyncio.create_task(writer.write(note(text))) for text in ("one", "x" * 100_000, "two")]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [apsw.FullError] * 3
    await writer.write(note("three"))
    assert read(tmp_path) == ["three"]
    await writer.close()


async def test_closing_writes_what_was_taken_and_refuses_the_rest(tmp_path: Path) -> None:
    writer = Writer(opened(tmp_path))
    async with held(writer):
        waiting = [asyncio.create_task(writer.write(note(str(number)))) for number in range(3)]
        await asyncio.sleep(0)
        closing = [asyncio.create_task(writer.close()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(StoreError, match="the store is closed"):
            await writer.write(note("late"))
    await asyncio.gather(*waiting, *closing)
    assert read(tmp_path) == ["0", "1", "2"]


async def test_a_caller_waits_while_the_writer_has_taken_its_fill(tmp_path: Path) -> None:
    writer = Writer(opened(tmp_path), waiting=2)
    async with held(writer):
        taken = asyncio.create_task(writer.write(note("taken")))
        outside = asyncio.create_task(writer.write(note("outside")))
        await asyncio.sleep(0)
        outside.cancel()
    await taken
    await writer.close()
    assert read(tmp_path) == ["taken"]


async def test_many_callers_get_their_turn_with_a_writer_that_takes_few(tmp_path: Path) -> None:
    writer = Writer(opened(tmp_path), waiting=2)
    await asyncio.gather(*(writer.write(note(str(number))) for number in range(20)))
    await writer.close()
    assert read(tmp_path) == [str(number) for number in range(20)]


async def test_a_caller_that_is_cancelled_harms_nobody_else(tmp_path: Path) -> None:
    writer = Writer(opened(tmp_path))
    async with held(writer):
        waiting = [asyncio.create_task(writer.write(note(str(number)))) for number in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
    assert await waiting[2] == 3
    await writer.close()
    assert read(tmp_path) == ["0", "1", "2"]
