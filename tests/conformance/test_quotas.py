"""Every store of quotas keeps the promises of the port: in memory and in SQLite.

Covers the port. Does not cover who is counted when: tests/guard/test_limits.py does.
"""

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mads.store.database import Database
from mads.store.quotas.memory import MemoryQuotas
from mads.store.quotas.port import Quotas
from mads.store.quotas.sqlite import SqliteQuotas
from mads.testing.quota_suite import CHECKS, Check

COVERS = ("R-045",)


@asynccontextmanager
async def memory() -> AsyncGenerator[Quotas]:
    yield MemoryQuotas()


@asynccontextmanager
async def sqlite() -> AsyncGenerator[Quotas]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.sqlite")
        yield SqliteQuotas(database)
        await database.close()


@pytest.mark.parametrize("open_store", [memory, sqlite])
@pytest.mark.parametrize("check", CHECKS)
async def test_a_store_keeps_a_promise(
    open_store: Callable[[], AbstractAsyncContextManager[Quotas]], check: Check
) -> None:
    async with open_store() as quotas:
        await check(quotas)
