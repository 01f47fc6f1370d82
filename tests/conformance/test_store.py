"""Every store of kept rows keeps the promises of the port: in memory, in SQLite, and asked for over the bus."""

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mads.bus.memory import MemoryBus
from mads.guard.labels import Labels
from mads.host.caller import Caller
from mads.host.kept_rows import RemoteRows, serve_rows
from mads.store.kept import open_rows
from mads.store.memory import MemoryRows
from mads.store.port import KeptRows, Row, Scope, Taint
from mads.testing.store_suite import CHECKS, Check, Open, follows_a_plain_list
from mads.wire.call import Identity

COVERS = ("R-150",)


@asynccontextmanager
async def memory() -> AsyncGenerator[KeptRows]:
    yield MemoryRows()


@asynccontextmanager
async def sqlite() -> AsyncGenerator[KeptRows]:
    with tempfile.TemporaryDirectory() as folder:
        rows = await open_rows(Path(folder) / "store.sqlite")
        yield rows
        await rows.close()


class EveryMad:
    """Rows asked for over `bus`, each time by the MAD and for the tenant whose they are."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    async def add(self, scope: Scope, body: bytes, taint: Taint = ()) -> int:
        """Keep one more row; return its id."""
        return await self._of(scope).add(scope, body, taint)

    async def rows(self, scope: Scope, *, after: int = 0, size: int | None = None) -> list[Row]:
        """Return the rows with an id above `after`."""
        return await self._of(scope).rows(scope, after=after, size=size)

    async def tainted(self, scope: Scope) -> dict[int, Taint]:
        """Return none: the core labels the call that reads."""
        return await self._of(scope).tainted(scope)

    async def remove(self, scope: Scope, ids: Sequence[int]) -> int:
        """Forget rows; return how many there were."""
        return await self._of(scope).remove(scope, ids)

    async def close(self) -> None:
        """Let go of the bus."""
        await RemoteRows(self._bus, Caller(Identity("nobody")).call).close()

    def _of(self, scope: Scope) -> RemoteRows:
        return RemoteRows(self._bus, Caller(Identity("ana", scope.tenant, (scope.mad,))).call)


@asynccontextmanager
async def bus() -> AsyncGenerator[KeptRows]:
    over = MemoryBus()
    serving = await serve_rows(over, MemoryRows(), Labels())
    yield EveryMad(over)
    await serving.close()


STORES = pytest.mark.parametrize("open_store", [memory, sqlite, bus])


@STORES
@pytest.mark.parametrize("check", CHECKS)
async def test_a_store_keeps_a_promise(open_store: Open, check: Check) -> None:
    async with open_store() as rows:
        await check(rows)


@STORES
def test_a_store_follows_a_plain_list(open_store: Open) -> None:
    follows_a_plain_list(open_store)
