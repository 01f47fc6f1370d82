"""The items of one stream on their way from a handler to its reader, with credit."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from mads.wire.call import Progress, Reply, Sink
from mads.wire.errors import UsageError


class Channel:
    """The sink of a handler and the stream of its reader: `item` waits while `credit` items are unread.

    It ends with `answer`; what was put in before that can still be read.
    """

    def __init__(self, answer: asyncio.Future[Reply], credit: int, progress: Sink | None) -> None:
        self._answer = answer
        self._progress = progress
        self._items: deque[Any] = deque()
        self._room = asyncio.Semaphore(credit)
        self._news = asyncio.Event()
        answer.add_done_callback(lambda _: self._news.set())

    async def item(self, body: Any) -> None:
        """Hand `body` to the reader."""
        await self._room.acquire()
        self._items.append(body)
        self._news.set()

    def progress(self, progress: Progress) -> None:
        """Pass `progress` on to the caller's own sink."""
        if self._progress is not None:
            self._progress.progress(progress)

    def __aiter__(self) -> Channel:
        return self

    async def __anext__(self) -> Any:
        while not self._items:
            if self._answer.done():
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        self._room.release()
        return self._items.popleft()

    @property
    def reply(self) -> Reply:
        """The call's end."""
        if not self._answer.done() or self._answer.cancelled():
            raise UsageError("the stream has no reply yet: read its items to the end first")
        return self._answer.result()
