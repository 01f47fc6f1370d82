"""A `Reporter` is the sink of one call: it collects the items, and tells and asks its client what the handler does."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Self

import msgspec

from mads.gateway.reach import Reach
from mads.wire.asking import OPEN, Answer, LogLine, Question
from mads.wire.call import Progress
from mads.wire.codec import MAX_BYTES
from mads.wire.errors import CannotAsk, InvalidMessage

LINES = 1000
"""How many lines of a log may wait to be read; of more the first are dropped."""


class Reporter:
    """Collects `items`; its client hears of them and of progress as they come, in a rising count, and of log lines.

    Progress that is not read in time gives way to later progress. Leaving the block sends what is left, or drops it
    where the call failed. Questions that are asked in rounds are `open` until the next brings their answers; `news` is
    set with each. `lacking` is what the client would have to know to be asked.
    """

    def __init__(self, reach: Reach, *, interactive: bool = False) -> None:
        self.items: list[Any] = []
        self.open: dict[str, tuple[Question, asyncio.Future[Answer]]] = {}
        self.news = asyncio.Event()
        self.lacking = ""
        self._reach, self._interactive = reach, interactive
        self._brought = dict(reach.answers)
        self._count = self._bytes = 0
        self._told = -1.0
        self._latest: Progress | None = None
        self._lines: deque[LogLine] = deque(maxlen=LINES)
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

    def go_on(self, reach: Reach) -> None:
        """Go on with the next round of the client, and the answers that it brings."""
        self._reach, self._brought = reach, dict(reach.answers)
        for name, (_, answer) in self.open.items():
            if name in self._brought and not answer.done():
                answer.set_result(self._brought.pop(name))

    def questions(self) -> dict[str, Question]:
        """Return the questions that have no answer yet, by name."""
        return {name: question for name, (question, answer) in self.open.items() if not answer.done()}

    async def item(self, body: Any) -> None:
        """Keep one item of a stream and tell of it; refuse more than a message may hold."""
        text = msgspec.json.encode(body)
        self._bytes += len(text)
        if self._bytes > MAX_BYTES:
            raise InvalidMessage(f"the items of the stream exceed the {MAX_BYTES} bytes that one answer may hold")
        self.items.append(body)
        if self._reach.tell is not None:
            self._told = max(self._told, 0.0) + 1
            await self._reach.tell(self._told, None, text.decode())

    def progress(self, progress: Progress) -> None:
        """Tell of progress soon."""
        if self._reach.tell is not None:
            self._latest = progress
            self._tell_soon()

    def log(self, line: LogLine) -> None:
        """Tell a line of a log soon."""
        if self._reach.log is not None:
            self._lines.append(line)
            self._tell_soon()

    async def ask(self, question: Question) -> Answer:
        """Put a question to the client: at once, or at the end of this round."""
        if not self._interactive:
            raise CannotAsk("what asks its caller says so; write @tool(interactive=True) above it")
        if question.method not in self._reach.can:
            self.lacking = question.method
            raise CannotAsk(f"the client cannot be asked: it does not know {question.method}")
        if self._reach.ask is not None:
            return await self._reach.ask(question)
        self._count += 1
        name = question.name or f"question-{self._count}"
        if name in self._brought:
            return self._brought.pop(name)
        if name in self.open or len(self.open) >= OPEN:
            raise InvalidMessage(
                f"{name!r} is asked twice at once, or {OPEN} questions are open; give each its own name"
            )
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.open[name] = question, answer
        self.news.set()
        try:
            return await answer
        finally:
            del self.open[name]

    def _tell_soon(self) -> None:
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_latest())

    async def _tell_latest(self) -> None:
        while self._lines or self._latest is not None:
            if self._lines:
                line = self._lines.popleft()
                if self._reach.log is not None:
                    await self._reach.log(line)
            elif (latest := self._latest) is not None:
                self._latest = None
                if latest.done > self._told and self._reach.tell is not None:
                    self._told = latest.done
                    await self._reach.tell(latest.done, latest.total, latest.note or None)
