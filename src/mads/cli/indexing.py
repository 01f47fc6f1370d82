"""How far Dewey's index is, on standard error: one line that changes on a terminal, a line a quarter elsewhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import click

from mads.author.message import subject
from mads.bus.port import Bus
from mads.cli.terminal import Ticker
from mads.duos.dewey import IndexProgress
from mads.wire import codec
from mads.wire.call import Call, Reply


@asynccontextmanager
async def told_of_indexing(bus: Bus) -> AsyncGenerator[None]:
    """Tell of Dewey's progress while the block lasts."""
    teller = Teller()

    async def hear(call: Call) -> Reply:
        teller.tell(codec.decode(codec.raw(call.body), IndexProgress))
        return Reply()

    subscription = await bus.subscribe((subject(IndexProgress),), hear)
    try:
        yield
    finally:
        await subscription.close()
        teller.ticker.clear()


class Teller:
    """Tells a person how far an index is, where that is news."""

    def __init__(self) -> None:
        self.ticker = Ticker()
        self._told = -1

    def tell(self, seen: IndexProgress) -> None:
        """Take note of `seen`."""
        text = f"dewey indexes {seen.folder}: {seen.done} of {seen.total} files"
        is_last, quarter = seen.done >= seen.total, 4 * seen.done // max(1, seen.total)
        if self.ticker.live and not is_last:
            self.ticker.tell(text)
        elif quarter != self._told:
            self.ticker.clear()
            click.echo(text, err=True)
        self._told = -1 if is_last else quarter
