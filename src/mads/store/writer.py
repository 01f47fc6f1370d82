"""Group commit: one thread writes, and everything that waits for it goes into one transaction."""

import asyncio
from asyncio import Future
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from mads.store.sqlite import Connection, transaction
from mads.wire.errors import StoreError

T = TypeVar("T")

Work = Callable[[Connection], T]
"""What a thread of the store does with its connection."""

WAITING = 1024
"""How much work a writer takes before its callers wait."""

_Item = tuple[Work[Any], Future[Any], bool]
"""Work, who waits for it, and whether it is done alone, outside of a transaction."""
_Outcome = tuple[Any, Exception | None]


class Writer:
    """The thread that alone writes through `connection`, and closes it at the end.

    Work that raises is undone alone; where the transaction fails as a whole (a full disk), so does all work in it.
    A writer belongs to the event loop in which it was made.
    """

    def __init__(self, connection: Connection, *, waiting: int = WAITING) -> None:
        self._connection = connection
        self._room = asyncio.Semaphore(waiting)
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._ended: Future[None] = self._loop.create_future()
        Thread(target=self._run, name="mads-writer", daemon=True).start()

    async def write(self, work: Work[T], *, alone: bool = False) -> T:
        """Return what `work` returned once all it did is on disk, or raise what it raised.

        What cannot be part of a transaction is done `alone`: whoever else writes waits for so long.
        """
        await self._room.acquire()
        if self._closing:
            self._room.release()
            raise StoreError("the store is closed")
        done: Future[T] = self._loop.create_future()
        self._queue.put((work, done, alone))
        return await done

    async def close(self) -> None:
        """Write what was taken, then end; closing again waits for the same end."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.shield(self._ended)

    def _run(self) -> None:
        for batch in self._batches():
            self._call(self._tell, batch, self._commit(batch))
        self._connection.close()
        self._call(self._ended.set_result, None)

    def _batches(self) -> Iterator[list[_Item]]:
        """Yield whatever waits, again and again, until the end."""
        batch: list[_Item] = []
        while (item := self._queue.get()) is not None:
            if item[2] and batch:
                yield batch
                batch = []
            batch.append(item)
            if item[2] or self._queue.empty():
                yield batch
                batch = []
        if batch:
            yield batch

    def _commit(self, batch: list[_Item]) -> list[_Outcome]:
        try:
            if batch[0][2]:
                return [(batch[0][0](self._connection), None)]
            with transaction(self._connection):
                if len(batch) == 1:  # what undoes it undoes all of the transaction
                    return [(batch[0][0](self._connection), None)]
                return [self._attempt(work) for work, *_ in batch]
        except Exception as error:  # noqa: BLE001  it is the callers', who wait for it
            return [(None, error)] * len(batch)

    def _attempt(self, work: Work[Any]) -> _Outcome:
        execute = self._connection.execute
        execute("SAVEPOINT work")
        try:
            result = work(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite has undone the whole of it
            execute("ROLLBACK TO work; RELEASE work")
            return None, error
        execute("RELEASE work")
        return result, None

    def _call(self, function: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *args)

    def _tell(self, batch: list[_Item], outcomes: list[_Outcome]) -> None:
        for (_, done, _), (result, error) in zip(batch, outcomes, strict=True):
            self._room.release()
            if done.done():  # its caller was cancelled
                continue
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)
