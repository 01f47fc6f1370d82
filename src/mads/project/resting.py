"""A project's database while its system rests, and is kept from starting."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from mads.bus.memory import MemoryBus
from mads.bus.unix import Hub
from mads.host.attest import store_in
from mads.host.paths import data_folder, socket_path
from mads.project.check import runs
from mads.store.database import Database
from mads.wire.call import Call
from mads.wire.errors import ConfigError, Denied, UsageError


@asynccontextmanager
async def resting(root: Path) -> AsyncGenerator[None]:
    """Make sure that the system of the project does not run, and is not started, while the block lasts."""
    if await runs(root):
        raise _busy(root)
    hub = Hub(MemoryBus())
    try:
        await hub.listen(socket_path(root), vouch=_refused, may_serve=lambda _: False)
    except ConfigError as error:
        raise _busy(root) if await runs(root) else error from None  # another was a moment earlier
    try:
        yield
    finally:
        await hub.close()


@asynccontextmanager
async def opened(root: Path) -> AsyncGenerator[Database]:
    """Open the database of a project whose system does not run, and is not started while the block lasts."""
    path = store_in(data_folder(root))
    if not path.exists():
        raise UsageError(f"there is no {path}: nothing ran here yet; start the system with: mads up")
    async with resting(root):
        database = await Database.open(path)
        try:
            yield database
        finally:
            await database.close()


def _busy(root: Path) -> ConfigError:
    return ConfigError(
        f"the system in {root} runs, or its database is being worked on; nothing was done here: end that first, "
        "or wait for it (mads ps shows its process)"
    )


def _refused(call: Call) -> Call:
    raise Denied("the database is being worked on; try again in a moment", request=call.id, retry_after=1.0)
