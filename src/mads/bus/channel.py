"""The items of one stream on their way from a handler to its reader, with credit."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from mads.wire.asking import Answer, LogLine, Question
from mads.wire.call import Progress, Reply, Sink
from mads.wire.errors import CannotAsk, UsageError


class Channel:
    """The sink of a handler and the stream of its reader: `item` waits while `credit` items are unread.

    It ends with `answer`; what was put in before that can still be read.
    """

    def __init__(self, answer: asyncio.Future[Reply], credit: int, sink: Sink | None) -> None:
        self._answer = answer
        self._sink = sink
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
        if self._sink is not None:
            self._sink.progress(progress)

    def log(self, line: LogLine) -> None:
        """Pass a line of a log on to the caller's own sink."""
        if self._sink is not None:
            self._sink.log(line)

    async def ask(self, question: Question) -> Answer:
        """Pass a question on to the caller's own sink."""
        if self._sink is None:
            raise CannotAsk("whoever reads this stream takes no questions")
        return await self._sink.ask(question)

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
