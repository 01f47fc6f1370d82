"""What goes from the record is gone: rows and bodies by age, unless held, and a body only with the last who names it.

Covers the store alone. Does not cover when the host calls for it: tests/host/test_retention.py does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mads.store.commands.port import Order, Step
from mads.store.commands.sqlite import SqliteCommands
from mads.store.database import Database
from mads.store.record.conversations import SqliteConversations
from mads.store.record.port import Batch, Query
from mads.store.record.sqlite import SqliteRecord
from mads.store.record.upkeep import Erased, SqliteUpkeep
from mads.wire.record import Entry, address

COVERS = ("R-147",)

SAY = "mads.steward.say"
LONG, SHORT = b"\xd9\x40" + 64 * b"a", b"\xa2hi"


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[Database]:
    database = await Database.open(folder / "store.sqlite")
    try:
        yield database
    finally:
        await database.close()


def entry(number: int, body: bytes = LONG, **more: Any) -> Entry:
    plain = Entry(
        kind="call",
        id=f"id-{number}",
        subject="mads.a.b",
        mad="a",
        principal="ana",
        tenant="default",
        at_us=number,
        outcome="ok",
        asked=address(body),
        answered=address(SHORT),
    )
    return replace(plain, **more)


async def write(database: Database, *entries: Entry, body: bytes = LONG) -> None:
    bodies = {address(body): body} if len(body) >= 32 else {}
    await SqliteRecord(database).add(lambda: Batch(entries, bodies))


async def left(database: Database) -> list[tuple[str, bool]]:
    """Return the id of each row, and whether its first body is still there."""
    record = SqliteRecord(database)
    return [(it.id, await record.body(it.asked) is not None) for it in await record.entries(Query())]


async def test_a_body_goes_with_the_last_row_that_names_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        upkeep = SqliteUpkeep(database, SAY)
        await write(database, entry(1), entry(2, answered=address(LONG)))
        await write(database, entry(3))

        assert await upkeep.strip("bodies", 0, 3) == 2
        assert await upkeep.strip("bodies", 2, 3) == 0
        assert await left(database) == [("id-1", False), ("id-2", False), ("id-3", True)]
        assert await SqliteRecord(database).body(address(LONG)) == LONG
        await upkeep.strip("bodies", 0, 4)
        assert await SqliteRecord(database).body(address(LONG)) is None


async def test_prose_and_what_calls_carried_go_apart(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        upkeep = SqliteUpkeep(database, SAY)
        await write(database, entry(1), entry(2, kind="prose"), entry(3, subject=SAY))

        await upkeep.strip("bodies", 0, 9)
        assert await left(database) == [("id-1", False), ("id-2", True), ("id-3", True)]
        await upkeep.strip("prose", 0, 9)
        assert await left(database) == [("id-1", False), ("id-2", False), ("id-3", False)]


async def test_the_rows_of_a_conversation_go_together(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        upkeep = SqliteUpkeep(database, SAY)
        await write(
            database, entry(1), entry(2, conversation="42"), entry(3, conversation="43"), entry(9, conversation="43")
        )

        assert await upkeep.drop(5) == 2
        assert await upkeep.drop(5) == 0
        assert [id_ for id_, _ in await left(database)] == ["id-3", "id-9"]


async def test_what_is_held_stays_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        upkeep, conversations = SqliteUpkeep(database, SAY), SqliteConversations(database, SAY)
        await write(database, entry(1, conversation="42"), entry(2, conversation="43"))
        await conversations.hold(("default", "42"), "court", "ana", 1)

        await upkeep.strip("bodies", 0, 9)
        await upkeep.drop(9)
        assert await left(database) == [("id-1", True)]
        assert await upkeep.erase(("default", "42"), lambda _: b"") == "court"
        await conversations.release(("default", "42"))
        assert await upkeep.drop(9) == 1


async def test_erasing_takes_the_rows_and_labels_of_one_tenants_conversation(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        upkeep, conversations = SqliteUpkeep(database, SAY), SqliteConversations(database, SAY)
        await write(database, entry(1, conversation="42", tenant="umbrella"), entry(2, conversation="42"))
        await conversations.label(("default", "42"), ("id-2", "a", 1), "approved", "ana", 1)

        gone = await upkeep.erase(("default", "42"), lambda _: b"")
        assert isinstance(gone, Erased)
        assert (gone.ids, gone.bodies, gone.labels) == (["id-2"], [SHORT], 1)  # the other body is also umbrella's
        assert [id_ for id_, _ in await left(database)] == ["id-1"]


async def test_a_tool_call_that_led_to_what_was_said_goes_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        upkeep = SqliteUpkeep(database, SAY)
        await write(database, entry(1, subject=SAY), entry(2, subject=SAY, conversation="42", cause="id-1"))

        gone = await upkeep.erase(("default", "42"), lambda _: b"")
        assert isinstance(gone, Erased)
        assert gone.ids == ["id-1", "id-2"]


@pytest.mark.parametrize("size", [100, 20_000])
async def test_no_byte_is_left_of_a_command_that_is_done(size: int, tmp_path: Path) -> None:
    envelope = b"canary".ljust(size, b".") + b"canary"
    order = Order("default", "ana", "mads.a.b", None, 1, None, 0, 0, None, 5, envelope)
    async with opened(tmp_path) as database:
        commands = SqliteCommands(database)
        seqs = [seq for seq, _ in await commands.add([order] * 40)]
        await commands.begin(seqs)
        await commands.keep([Step(seq, 1, "step", "work", "v", b"canary") for seq in seqs])
        await commands.fail(seqs[0], now=0, why="no", due=None)
        assert b"canary" in written(tmp_path)
        await commands.finish(seqs, now=0)
        await SqliteUpkeep(database, SAY).fold()
        assert b"canary" not in written(tmp_path)


def written(folder: Path) -> bytes:
    """Return all bytes of all files."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
