"""A `Reporter` is the sink of one call: it collects the items, and tells a client that asked how far the work is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from mads.wire.call import Progress
from mads.wire.codec import MAX_BYTES
from mads.wire.errors import InvalidMessage

Tell = Callable[[float, float | None, str | None], Awaitable[None]]
"""Sends one progress notification: done, of total, a message."""


class Reporter:
    """Collects `items`; with `tell`, the client hears of them and of progress as they come, in a rising count.

    Progress that is not read in time gives way to later progress. Leaving the block sends what is left, or drops it
    where the call failed.
    """

    def __init__(self, tell: Tell | None) -> None:
        self.items: list[Any] = []
        self._bytes = 0
        self._tell = tell
        self._told = -1.0
        self._latest: Progress | None = None
        self._telling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._telling is not None:
            if error is not None:
                self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def item(self, body: Any) -> None:
        """Keep one item of a stream and tell of it; refuse more than a message may hold."""
        text = msgspec.json.encode(body)
        self._bytes += len(text)
        if self._bytes > MAX_BYTES:
            raise InvalidMessage(f"the items of the stream exceed the {MAX_BYTES} bytes that one answer may hold")
        self.items.append(body)
        if self._tell is not None:
            self._told = max(self._told, 0.0) + 1
            await self._tell(self._told, None, text.decode())

    def progress(self, progress: Progress) -> None:
        """Tell of progress soon."""
        if self._tell is None:
            return
        self._latest = progress
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_latest(self._tell))

    async def _tell_latest(self, tell: Tell) -> None:
        while (latest := self._latest) is not None:
            self._latest = None
            if latest.done > self._told:
                self._told = latest.done
                await tell(latest.done, latest.total, latest.note or None)
