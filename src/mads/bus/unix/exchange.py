"""The two ends of one exchange: what comes back to the side that opened it, and where the other side puts it in."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Callable
from typing import Any

from mads.bus.unix.frames import Ending, Item, Opening, Refusal, Told, call_id, credit_of, pack
from mads.bus.unix.outbox import Outbox
from mads.wire import codec
from mads.wire.call import Progress
from mads.wire.errors import InvalidMessage
from mads.wire.failure import Failure


class Exchange:
    """What comes back for `opening`: items, then an ending. `over` says that the other side has sent the latter."""

    __slots__ = ("_arrived", "_loop", "_news", "_opening", "_progress", "_room", "_timer", "no", "over")

    def __init__(self, opening: Opening, progress: Callable[[Progress], None] | None) -> None:
        self.no = opening.no
        self.over = False
        self._opening = opening
        self._progress = progress
        credit = credit_of(opening)
        self._room = 0 if credit is None else credit + 1
        self._arrived: deque[Item | Ending] = deque()
        self._news: Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, frame: Item | Told | Ending) -> None:
        """Take what the other side sent; raise `InvalidMessage` where that is more than it may."""
        match frame:
            case Told():
                if self._progress is not None:
                    self._loop.call_soon(self._progress, frame.progress)
                return
            case Item():
                if self._room == 0:
                    raise InvalidMessage("an item came that nobody gave credit for")
                self._room -= 1
            case _:
                self.over = True
        self._arrive(frame)

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

    def read(self) -> None:
        """Take note that the reader has read one item."""
        self._unread -= 1
        self._room.set()
