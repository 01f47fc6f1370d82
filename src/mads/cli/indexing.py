"""How far Dewey's index is, told while the system starts: one line that changes on a terminal, a few lines elsewhere."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from mads.bus.port import Bus
from mads.cli.terminal import Ticker
from mads.wire import codec
from mads.wire.call import Call, Reply

EVENTS = "event.mads.duos.dewey.>"


async def watch_indexing(bus: Bus, stack: AsyncExitStack) -> None:
    """Tell of Dewey's progress until `stack` is left."""
    ticker = Ticker()

    async def hear(call: Call) -> Reply:
        told: dict[str, Any] = codec.plain(codec.decode(codec.raw(call.body), Any))
        ticker.tell(str(told))
        return Reply()

    subscription = await bus.subscribe((EVENTS,), hear)
    stack.push_async_callback(subscription.close)
