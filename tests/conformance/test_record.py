"""Every store of the record keeps the promises of the port: in memory and in SQLite.

Covers the port. Does not cover a crash: tests/host/test_record_crash.py does.
"""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mads.store.database import Database
from mads.store.record.memory import MemoryRecord
from mads.store.record.port import Record
from mads.store.record.sqlite import SqliteRecord
from mads.testing.record_suite import CHECKS, Check, Open, keeps_a_list

COVERS = ("R-055",)


@asynccontextmanager
async def memory() -> AsyncGenerator[Record]:
    yield MemoryRecord()


@asynccontextmanager
async def sqlite() -> AsyncGenerator[Record]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.sqlite")
        yield SqliteRecord(database)
        await database.close()


STORES = pytest.mark.parametrize("open_record", [memory, sqlite])


@STORES
@pytest.mark.parametrize("check", CHECKS)
async def test_a_store_keeps_a_promise(open_record: Open, check: Check) -> None:
    async with open_record() as record:
        await check(record)


@pytest.mark.slow
@STORES
def test_a_store_keeps_a_list(open_record: Open) -> None:
    keeps_a_list(open_record)
