"""A database that cannot be used is refused, with a sentence that says why and what to do; a reader sees one moment."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from mads.store.database import Database
from mads.store.kept import SqliteRows, open_rows
from mads.store.sqlite import Connection, connect, explained, transaction
from mads.testing.store_suite import NOTES
from mads.wire.errors import StoreError


async def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as refused:
        await open_rows(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_text("Dear diary, " * 100)
    assert "no SQLite database; move it out of the way" in await refusal(path)
    assert path.read_text() == "Dear diary, " * 100


async def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    await (await open_rows(path)).close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert "it is damaged; move it out of the way" in await refusal(path)


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert "it cannot be opened; see that it is a file" in await refusal(tmp_path)


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "see that its folder is one, and may be written" in await refusal(tmp_path / "file" / "store.sqlite")


async def test_a_database_that_stays_locked_is_refused_and_taken_up_again(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "store.sqlite")
    await database.write(lambda connection: connection.pragma("busy_timeout", 10))
    rows = SqliteRows(database)
    other = connect(tmp_path / "store.sqlite")
    with transaction(other), pytest.raises(StoreError, match="another process keeps it locked; stop that one"):
        await rows.add(NOTES, b"refused")
    kept = await rows.add(NOTES, b"kept")
    assert await rows.rows(NOTES) == [(kept, b"kept")]
    other.close()
    await rows.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    rows = await open_rows(tmp_path / "store.sqlite")
    await rows.close()
    with pytest.raises(StoreError, match="the store is closed"):
        await rows.add(NOTES, b"")
    with pytest.raises(StoreError, match="the store is closed"):
        await rows.rows(NOTES)


def test_what_may_only_be_read_refuses_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    connect(path).close()
    reader = connect(path, readonly=True)
    with pytest.raises(StoreError, match="it may not be written"), explained(path):
        reader.execute("CREATE TABLE notes (text)")
    reader.close()


def test_only_its_owner_may_read_what_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.sqlite"
    connect(path).close()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_transaction_that_raises_leaves_no_trace(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.sqlite")
    with suppress(ZeroDivisionError), transaction(connection):
        connection.execute("CREATE TABLE notes (text)")
        _ = 1 / 0
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []
    connection.close()


async def test_what_is_read_in_several_steps_is_of_one_moment(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "store.sqlite")
    rows, began, written = SqliteRows(database), threading.Event(), threading.Event()

    def work(connection: Connection) -> list[int]:
        count = "SELECT count(*) FROM kept"
        before = connection.execute(count).fetchall()[0][0]
        began.set()
        assert written.wait(10)
        return [before, connection.execute(count).fetchall()[0][0]]

    reading = asyncio.create_task(database.read(work))
    await asyncio.to_thread(began.wait, 10)
    await rows.add(NOTES, b"new")
    written.set()
    assert await reading == [0, 0]
    assert await database.read(lambda connection: connection.execute("SELECT count(*) FROM kept").fetchall()) == [(1,)]
    await database.close()
