"""The adapters that the bus suite runs on: each a factory of a bus that serves and a bus that calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from mads.bus.memory import MemoryBus
from mads.bus.port import Bus

Adapter = Callable[[], AbstractAsyncContextManager[tuple[Bus, Bus]]]


@asynccontextmanager
async def memory() -> AsyncGenerator[tuple[Bus, Bus]]:
    bus = MemoryBus()
    try:
        yield bus, bus
    finally:
        await bus.drain(0)


ADAPTERS: dict[str, Adapter] = {"memory": memory}
