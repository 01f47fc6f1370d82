"""The two ends of one exchange: what comes back to the side that opened it, and where the other side puts it in."""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from mads.bus.unix.frames import (
    Asked,
    Ending,
    Item,
    Logged,
    Opening,
    Refusal,
    Replied,
    Told,
    call_id,
    credit_of,
    pack,
)
from mads.bus.unix.outbox import Outbox
from mads.wire import codec
from mads.wire.asking import OPEN, Answer, LogLine, Question, Speechless
from mads.wire.call import Progress, Sink
from mads.wire.errors import CannotAsk, InvalidMessage
from mads.wire.failure import Failure, error_of, failure_of


class Exchange:
    """What comes back for `opening`: items, then an ending. `over` says that the other side has sent the latter."""

    __slots__ = ("_arrived", "_asked", "_loop", "_news", "_opening", "_room", "_sink", "_timer", "no", "over")

    def __init__(self, opening: Opening, sink: Sink | None) -> None:
        self.no = opening.no
        self.over = False
        self._opening = opening
        self._sink = sink
        self._asked: set[Task[None]] | None = None
        credit = credit_of(opening)
        self._room = 0 if credit is None else credit + 1
        self._arrived: deque[Item | Ending] = deque()
        self._news: Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, frame: Item | Told | Logged | Ending) -> None:
        """Take what the other side sent; raise `InvalidMessage` where that is more than it may."""
        match frame:
            case Told():
                if self._sink is not None:
                    self._loop.call_soon(self._sink.progress, frame.progress)
                return
            case Logged():
                if self._sink is not None:
                    self._loop.call_soon(self._sink.log, codec.decode(frame.line, LogLine))
                return
            case Item():
                if self._room == 0:
                    raise InvalidMessage("an item came that nobody gave credit for")
                self._room -= 1
            case _:
                self.over = True
        self._arrive(frame)

    def ask(self, frame: Asked, reply: Callable[[Replied], None]) -> None:
        """Put a question of the other side to whoever called, and `reply` with what comes of it."""
        question = codec.decode(frame.question, Question)
        asked = self._asked = set() if self._asked is None else self._asked
        if len(asked) >= OPEN:
            raise InvalidMessage(f"{OPEN} questions are open already")
        task = self._loop.create_task(self._put(frame, question, reply))
        asked.add(task)
        task.add_done_callback(asked.discard)

    async def _put(self, frame: Asked, question: Question, reply: Callable[[Replied], None]) -> None:
        sink = self._sink or Speechless()
        try:
            answer, failure = codec.raw(await sink.ask(question)), None
        except Exception as error:  # noqa: BLE001  whatever it is, the handler gets it as a failure
            answer, failure = codec.raw(None), failure_of(error)
        reply(Replied(self.no, frame.ask, answer, failure))

    def end(self, code: str, why: str) -> None:
        """End it with a failure: the other side cannot any more."""
        self.over = True
        self._fail(code, why)

    def expire_in(self, seconds: float) -> None:
        """End it as `late` in so many seconds, whatever the other side does."""
        self._timer = self._loop.call_later(seconds, self._fail, "late", "no answer came before its deadline")

    async def next(self) -> Item | Ending:
        """Return what has arrived next."""
        while not self._arrived:
            self._news = self._loop.create_future()
            await self._news
        return self._arrived.popleft()

    def read(self) -> None:
        """Let one more item come."""
        self._room += 1

    def close(self) -> None:
        """Wait for nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._asked or ():
            task.cancel()

    def _fail(self, code: str, why: str) -> None:
        self._arrive(Refusal(self.no, Failure(code, why, request=call_id(self._opening))))

    def _arrive(self, frame: Item | Ending) -> None:
        self._arrived.append(frame)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Outlet:
    """The sink of a handler whose reader is at the other end: `item` returns once at most `credit` items are unread."""

    def __init__(self, no: int, credit: int, outbox: Outbox) -> None:
        self._no = no
        self._credit = credit
        self._outbox = outbox
        self._unread = 0
        self._number = count(1).__next__
        self._asked: dict[int, Future[Answer]] = {}
        self._turn = asyncio.Lock()
        self._room = asyncio.Event()

    async def item(self, body: Any) -> None:
        """Send `body` to the reader."""
        async with self._turn:
            self._unread += 1
            await self._outbox.send(pack(Item(self._no, codec.raw(body))))
            while self._unread > self._credit:
                self._room.clear()
                await self._room.wait()

    def progress(self, progress: Progress) -> None:
        """Send `progress` to the caller, unless that would have to wait."""
        if self._outbox.ready:
            self._outbox.post(pack(Told(self._no, progress)))

    def log(self, line: LogLine) -> None:
        """Send a line of a log to the caller, unless that would have to wait."""
        if self._outbox.ready:
            self._outbox.post(pack(Logged(self._no, codec.raw(line))))

    async def ask(self, question: Question) -> Answer:
        """Put a question to the caller at the other end, and return its answer."""
        if len(self._asked) >= OPEN:
            raise CannotAsk(f"{OPEN} questions of this call are open already")
        number = self._number()
        answer: Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            await self._outbox.send(pack(Asked(self._no, number, codec.raw(question))))
            return await answer
        finally:
            del self._asked[number]

    def replied(self, frame: Replied) -> None:
        """Take the answer to a question; one that nobody waits for any more is dropped."""
        answer = self._asked.get(frame.ask)
        if answer is None or answer.done():
            return
        if frame.failure is not None:
            answer.set_exception(error_of(frame.failure))
        else:
            answer.set_result(codec.decode(frame.answer, dict[str, Any]))

    def read(self) -> None:
        """Take note that the reader has read one item."""
        self._unread -= 1
        self._room.set()
