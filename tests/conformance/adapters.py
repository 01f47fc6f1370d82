"""The adapters that the bus suite runs on: each a factory of a bus that serves and a bus that calls."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from mads.bus.memory import MemoryBus
from mads.bus.port import Bus
from mads.bus.unix import Hub, UnixBus, adopt

Adapter = Callable[[], AbstractAsyncContextManager[tuple[Bus, Bus]]]


@asynccontextmanager
async def memory() -> AsyncGenerator[tuple[Bus, Bus]]:
    bus = MemoryBus()
    try:
        yield bus, bus
    finally:
        await bus.drain(0)


@asynccontextmanager
async def hub() -> AsyncGenerator[tuple[MemoryBus, Hub]]:
    bus = MemoryBus()
    hub = Hub(bus)
    try:
        yield bus, hub
    finally:
        await bus.drain(0)
        await hub.close()


async def linked(hub: Hub) -> UnixBus:
    """Return a bus that is linked to `hub`, as a child is that may do anything."""
    ours, theirs = socket.socketpair()
    await hub.attach(ours, vouch=lambda call: call, may_serve=lambda _: True)
    return await adopt(theirs)


@asynccontextmanager
async def unix() -> AsyncGenerator[tuple[Bus, Bus]]:
    async with hub() as (_, between):
        yield await linked(between), await linked(between)


@asynccontextmanager
async def unix_one_link() -> AsyncGenerator[tuple[Bus, Bus]]:
    async with hub() as (_, between):
        both = await linked(between)
        yield both, both


@asynccontextmanager
async def unix_serves_memory() -> AsyncGenerator[tuple[Bus, Bus]]:
    async with hub() as (bus, between):
        yield await linked(between), bus


@asynccontextmanager
async def memory_serves_unix() -> AsyncGenerator[tuple[Bus, Bus]]:
    async with hub() as (bus, between):
        yield bus, await linked(between)


ADAPTERS: dict[str, Adapter] = {
    "memory": memory,
    "unix": unix,
    "unix, one link": unix_one_link,
    "unix serves memory": unix_serves_memory,
    "memory serves unix": memory_serves_unix,
}
