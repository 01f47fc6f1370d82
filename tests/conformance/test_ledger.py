"""Every store of the ledger keeps the promises of the port: in memory and in SQLite.

Covers the port. Does not cover what is reserved for which request: tests/duos/test_fiedler.py does.
"""

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mads.store.database import Database
from mads.store.ledger.memory import MemoryBookings
from mads.store.ledger.port import Bookings
from mads.store.ledger.sqlite import SqliteBookings
from mads.testing.ledger_suite import CHECKS, Check

COVERS = ("R-070",)


@asynccontextmanager
async def memory() -> AsyncGenerator[Bookings]:
    yield MemoryBookings()


@asynccontextmanager
async def sqlite() -> AsyncGenerator[Bookings]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.sqlite")
        yield SqliteBookings(database)
        await database.close()


@pytest.mark.parametrize("open_store", [memory, sqlite])
@pytest.mark.parametrize("check", CHECKS)
async def test_a_store_keeps_a_promise(
    open_store: Callable[[], AbstractAsyncContextManager[Bookings]], check: Check
) -> None:
    async with open_store() as bookings:
        await check(bookings)
