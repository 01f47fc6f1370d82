"""Every store of secrets keeps the promises of its ports: in memory and in SQLite.

Covers the ports. Does not cover what is in an envelope: tests/secrets does.
"""

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mads.store.database import Database
from mads.store.secrets.memory import MemorySealKeys, MemorySecretGrants, MemorySecrets
from mads.store.secrets.sqlite import SqliteSecrets
from mads.store.secrets.sqlite_grants import SqliteSecretGrants
from mads.store.secrets.sqlite_keys import SqliteSealKeys
from mads.testing.secret_suite import CHECKS, Check, Stores

COVERS = ("R-091", "R-095")


@asynccontextmanager
async def memory() -> AsyncGenerator[Stores]:
    secrets = MemorySecrets()
    yield Stores(secrets, MemorySealKeys(secrets), MemorySecretGrants())


@asynccontextmanager
async def sqlite() -> AsyncGenerator[Stores]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "store.sqlite")
        yield Stores(SqliteSecrets(database), SqliteSealKeys(database), SqliteSecretGrants(database))
        await database.close()


@pytest.mark.parametrize("open_store", [memory, sqlite])
@pytest.mark.parametrize("check", CHECKS)
async def test_a_store_keeps_a_promise(
    open_store: Callable[[], AbstractAsyncContextManager[Stores]], check: Check
) -> None:
    async with open_store() as stores:
        await check(stores)
