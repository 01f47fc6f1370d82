"""One connection between two processes, over which either side opens exchanges and the other side ends them.

Where it breaks, this side's exchanges end as `lost`, and what it was doing for the other side is cancelled. Bytes that
are no frame, or come where none may, break it.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError, Task
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import count, islice
from typing import cast

from mads.bus.unix.exchange import Exchange, Outlet
from mads.bus.unix.frames import (
    Answer,
    AnyFrame,
    Asked,
    Cancel,
    Credit,
    Ending,
    Item,
    Load,
    Logged,
    Opening,
    Refusal,
    Replied,
    Told,
    Unpacker,
    call_id,
    credit_of,
    pack,
)
from mads.bus.unix.outbox import Outbox
from mads.wire import codec
from mads.wire.call import Call, Reply, Sink
from mads.wire.errors import InvalidMessage
from mads.wire.failure import Failure, failure_of

Serve = Callable[[Opening, Sink | None], Awaitable[Reply]]
"""What answers the openings of the other side."""

Hear = Callable[[Load], None]
"""What takes the notices of the other side; raises `InvalidMessage` where it may not give any."""

MAX_OPEN = 8192
"""How many exchanges the other side may have open; it is more than arrive in one read."""

TURN = 32
"""How many frames are taken in a row before the rest of this process has a turn: what is sent may have no end."""

RETRY_AFTER = 0.1
"""What it is told that opens more, in seconds."""

GRACE = 1.0
"""For how many seconds `close` waits for the last bytes to leave, and then for what it cancelled."""

_log = logging.getLogger(__name__)


class Link(asyncio.Protocol):
    """One end of the connection; `serve` answers what the other end opens, `hear` takes what it tells.

    `number` gives an opening its number. `handling` holds the calls that the other end is handling now, by id, and
    `handled` those that it has handled last: what it began then may still call. `fault` is what the other end did
    wrong, where that ended the connection.
    """

    def __init__(self, serve: Serve, hear: Hear) -> None:
        self.number = count(1).__next__
        self.handling: dict[str, Call] = {}
        self.handled: OrderedDict[str, Call] = OrderedDict()
        self.fault = ""
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._serve = serve
        self._hear = hear
        self._reason = ""
        self._unpacker = Unpacker()
        self._arriving: Iterator[AnyFrame] = iter(())
        self._exchanges: dict[int, Exchange] = {}
        self._tasks: dict[int, Task[None]] = {}
        self._outlets: dict[int, Outlet] = {}
        self._transport: asyncio.Transport
        self._outbox: Outbox

    async def ended(self) -> str:
        """Wait until the connection has ended, and return why it has."""
        return await asyncio.shield(self._ended)

    @property
    def over(self) -> bool:
        """Whether the connection has ended."""
        return self._ended.done()

    @property
    def busy(self) -> bool:
        """Whether anything is under way, in either direction."""
        return bool(self._exchanges or self._tasks)

    async def ask(
        self, opening: Opening, *, left: float | None = None, sink: Sink | None = None, settle: bool = False
    ) -> Reply:
        """Have `opening` answered: pass items and progress to `sink`, return the reply, `late` after `left` seconds.

        Cancelling this cancels what happens at the other end; with `settle`, this ends only when that has.
        """
        exchange = await self.open(opening, left=left, sink=sink)
        try:
            while isinstance(frame := await exchange.next(), Item):
                await cast("Sink", sink).item(frame.body)
                self.read(exchange)
            return reply_of(frame)
        except CancelledError:
            if settle:
                self.post(Cancel(exchange.no))
                while not exchange.over:
                    await exchange.next()
            raise
        finally:
            self.leave(exchange)

    async def open(self, opening: Opening, *, left: float | None = None, sink: Sink | None = None) -> Exchange:
        """Send `opening` and return its exchange, which is to be left in the end; progress goes to `sink`."""
        data = pack(opening)
        exchange = Exchange(opening, sink)
        if self._ended.done():
            exchange.end("no_responder", f"nothing was sent: {self._reason}")
            return exchange
        self._exchanges[exchange.no] = exchange
        if left is not None:
            exchange.expire_in(left)
        try:
            if self._outbox.ready:
                self._outbox.post(data)
            else:
                async with asyncio.timeout(left):
                    await self._outbox.send(data)
        except TimeoutError:
            exchange.end("late", "it could not be sent before its deadline")
        except CancelledError:
            exchange.over = True  # it never began
            self.leave(exchange)
            raise
        return exchange

    def read(self, exchange: Exchange) -> None:
        """Let the other side send one more item."""
        exchange.read()
        self.post(Credit(exchange.no))

    def leave(self, exchange: Exchange) -> None:
        """Wait for nothing more from `exchange`, and cancel what has not ended."""
        exchange.close()
        self._exchanges.pop(exchange.no, None)
        if not exchange.over:
            self.post(Cancel(exchange.no))

    def post(self, frame: AnyFrame) -> None:
        """Send `frame`, which is small, whether the other side reads or not."""
        self._outbox.post(pack(frame))

    async def close(self, reason: str = "this process closed the connection") -> None:
        """Send what waits, end the connection, and leave nothing behind."""
        tasks = list(self._tasks.values())
        if not self._ended.done():
            self._reason = self._reason or reason
            self._transport.close()
            await asyncio.wait([self._ended], timeout=GRACE)
            self._transport.abort()
            await self.ended()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (called by the loop)."""
        self._transport = cast("asyncio.Transport", transport)
        self._outbox = Outbox(self._transport, self._break)

    def data_received(self, data: bytes) -> None:
        """Take what came (called by the loop)."""
        self._arriving = self._unpacker.feed(data)
        if self._take_turn():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._go_on)

    def pause_writing(self) -> None:
        """Hold back what is sent (called by the loop)."""
        self._outbox.pause()

    def resume_writing(self) -> None:
        """Send again (called by the loop)."""
        self._outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """End everything (called by the loop)."""
        self._reason = self._reason or f"the process at the other end is gone{f' ({exc})' if exc else ''}"
        self._ended.set_result(self._reason)
        self._outbox.resume()
        for exchange in self._exchanges.values():
            exchange.end("lost", f"whether it acted is unknown: {self._reason}")
        for task in self._tasks.values():
            task.cancel()

    def _break(self, reason: str) -> None:
        _log.warning("a connection was given up: %s", reason)
        self._reason = self._reason or reason
        self.fault = reason
        self._transport.abort()

    def _go_on(self) -> None:
        """Take more of what came, and read on once there is no more of it."""
        if self._transport.is_closing():
            return
        if self._take_turn():
            asyncio.get_running_loop().call_soon(self._go_on)
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def _take_turn(self) -> bool:
        """Take up to `TURN` frames; return whether there may be more."""
        taken = 0
        try:
            for taken, frame in enumerate(islice(self._arriving, TURN), 1):  # noqa: B007  how many there were
                self._take(frame)
        except InvalidMessage as error:
            self._break(f"the other process broke the protocol: {error}")
            return False
        return taken == TURN

    def _take(self, frame: AnyFrame) -> None:
        match frame:
            case Item() | Told() | Logged() | Answer() | Refusal():
                if exchange := self._exchanges.get(frame.no):
                    exchange.take(frame)
            case Asked():
                if exchange := self._exchanges.get(frame.no):
                    exchange.ask(frame, self.post)
            case Cancel() | Credit() | Replied():
                self._hand_on(frame)
            case Load():
                self._hear(frame)
            case _:
                self._begin(frame)

    def _hand_on(self, frame: Cancel | Credit | Replied) -> None:
        """Tell whatever answers an opening of the other side what that has to say meanwhile."""
        task, outlet = self._tasks.get(frame.no), self._outlets.get(frame.no)
        if isinstance(frame, Cancel) and task is not None:
            task.cancel()
        elif isinstance(frame, Credit) and outlet is not None:
            outlet.read()
        elif isinstance(frame, Replied) and outlet is not None:
            outlet.replied(frame)

    def _begin(self, opening: Opening) -> None:
        no = opening.no
        if no in self._tasks:
            raise InvalidMessage(f"the number {no} was used twice")
        if len(self._tasks) >= MAX_OPEN:
            why = f"this process has {MAX_OPEN} calls under way already"
            self.post(Refusal(no, Failure("overloaded", why, request=call_id(opening), retry_after=RETRY_AFTER)))
            return
        outlet = None
        if (credit := credit_of(opening)) is not None:
            outlet = self._outlets[no] = Outlet(no, credit, self._outbox)
        task = self._tasks[no] = asyncio.get_running_loop().create_task(self._answer(opening, outlet))
        task.add_done_callback(partial(self._answered, opening))

    async def _answer(self, opening: Opening, outlet: Outlet | None) -> None:
        try:
            reply = await self._serve(opening, outlet)
        except CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, the other side gets it as a failure
            reply = Reply(failure=failure_of(error, request=call_id(opening)))
        await self._outbox.send(_pack_ending(opening, reply))

    def _answered(self, opening: Opening, task: Task[None]) -> None:
        del self._tasks[opening.no]
        self._outlets.pop(opening.no, None)
        if task.cancelled():
            why = "it was cancelled before it answered"
            self.post(Refusal(opening.no, Failure("lost", why, request=call_id(opening))))


def reply_of(ending: Ending) -> Reply:
    """Return the reply that `ending` carries."""
    if isinstance(ending, Answer):
        return Reply(ending.body, None, ending.cost, ending.decisions)
    return Reply(None, ending.failure, ending.cost, ending.decisions)


def _pack_ending(opening: Opening, reply: Reply) -> bytes:
    no = opening.no
    try:
        if reply.failure is not None:
            return pack(Refusal(no, reply.failure, reply.cost, reply.decisions))
        return pack(Answer(no, codec.raw(reply.body), reply.cost, reply.decisions))
    except InvalidMessage as error:
        return pack(Refusal(no, failure_of(error, request=call_id(opening))))
