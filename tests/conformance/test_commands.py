"""Every store of commands keeps the promises of the port: in memory and in SQLite.

Covers the port. Does not cover a crash: tests/host/test_commands_crash.py does.
"""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mads.store.commands.memory import MemoryCommands
from mads.store.commands.sqlite import SqliteCommands
from mads.store.database import Database
from mads.testing.command_suite import CHECKS, Check, Open, Store, follows_a_plain_list

COVERS = ("R-041", "R-120")


@asynccontextmanager
async def memory() -> AsyncGenerator[Store]:
    yield MemoryCommands()


@asynccontextmanager
async def sqlite() -> AsyncGenerator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.sqlite")
        yield SqliteCommands(database)
        await database.close()


STORES = pytest.mark.parametrize("open_store", [memory, sqlite])


@STORES
@pytest.mark.parametrize("check", CHECKS)
async def test_a_store_keeps_a_promise(open_store: Open, check: Check) -> None:
    async with open_store() as commands:
        await check(commands)


@STORES
def test_a_store_follows_a_plain_list(open_store: Open) -> None:
    follows_a_plain_list(open_store)
