"""The other processes of the tests: a child that is linked to a hub, and a hub. Both answer, except what they hold."""

from __future__ import annotations

import asyncio
import socket
import sys

from mads.bus.memory import MemoryBus
from mads.bus.port import Bus
from mads.bus.unix import Hub, adopt
from mads.testing.bus_suite.scene import Scene


async def child(descriptor: str) -> None:
    """Serve the hub at the other end of the socket with that number."""
    bus = await adopt(socket.socket(fileno=int(descriptor)))
    await _serve(bus)
    await bus.link.ended()


async def hub(path: str) -> None:
    """Be the hub that listens at `path`."""
    bus = MemoryBus()
    await Hub(bus).listen(path, vouch=lambda call: call, may_serve=lambda _: False)
    await _serve(bus)
    await asyncio.Event().wait()


async def _serve(bus: Bus) -> None:
    await bus.subscribe(["mads.echo.*"], Scene(gate=False, held=["held"]), owner="echo", at_once=8)
    print("ready", flush=True)  # noqa: T201 - whoever started this waits for it


if __name__ == "__main__":
    _, what, where = sys.argv
    asyncio.run({"child": child, "hub": hub}[what](where))
