"""Every store of API keys keeps the promises of the port: in memory and in SQLite.

Covers the port. Does not cover what a key opens: tests/guard/test_keys.py and tests/gateway/test_signin.py do.
"""

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mads.store.database import Database
from mads.store.keys.memory import MemoryKeys
from mads.store.keys.port import Keys
from mads.store.keys.sqlite import SqliteKeys
from mads.testing.key_suite import CHECKS, Check

COVERS = ("R-043",)


@asynccontextmanager
async def memory() -> AsyncGenerator[Keys]:
    yield MemoryKeys()


@asynccontextmanager
async def sqlite() -> AsyncGenerator[Keys]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.sqlite")
        yield SqliteKeys(database)
        await database.close()


@pytest.mark.parametrize("open_store", [memory, sqlite])
@pytest.mark.parametrize("check", CHECKS)
async def test_a_store_keeps_a_promise(
    open_store: Callable[[], AbstractAsyncContextManager[Keys]], check: Check
) -> None:
    async with open_store() as keys:
        await check(keys)
