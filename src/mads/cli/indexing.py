"""How far Dewey's index is, on standard error: one line that changes on a terminal, a line a quarter elsewhere."""

from __future__ import annotations

import sys

from mads.author.message import subject
from mads.bus.port import Bus, Subscription
from mads.cli.terminal import Ticker
from mads.duos.dewey import IndexProgress
from mads.wire import codec
from mads.wire.call import Call, Reply


async def watch_indexing(bus: Bus) -> Subscription:
    """Tell of Dewey's progress until the subscription is closed."""
    teller = Teller()

    async def hear(call: Call) -> Reply:
        teller.tell(codec.decode(codec.raw(call.body), IndexProgress))
        return Reply()

    return await bus.subscribe((subject(IndexProgress),), hear)


class Teller:
    """Tells a person of one index after another."""

    def __init__(self) -> None:
        self._ticker = Ticker()
        self._told = 0

    def tell(self, seen: IndexProgress) -> None:
        """Tell how far it is, where that is news."""
        text = f"dewey indexes {seen.folder}: {seen.done} of {seen.total} files"
        quarter = 4 * seen.done // max(1, seen.total)
        if self._ticker.live and seen.done < seen.total:
            self._ticker.tell(text)
        elif quarter != self._told:
            self._ticker.clear()
            print(text, file=sys.stderr)
        self._told = quarter % 4
