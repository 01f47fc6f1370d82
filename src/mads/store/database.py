"""One SQLite file in use: looked over and brought up to date at first, written by one thread and read by a few."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Self, TypeVar

import structlog

from mads.store.log import look_over
from mads.store.migrations import shipped
from mads.store.migrations.upgrade import upgrade
from mads.store.sqlite import Connection, connect, explained
from mads.store.sums import refuse_changed
from mads.store.writer import Work, Writer
from mads.wire.errors import StoreError

T = TypeVar("T")

READERS = 3
"""How many reads are done side by side; one of them is always short, so that no other short one waits for long."""


class Database:
    """A database at `path`; `open` makes one. What it cannot do it says by a `StoreError`."""

    def __init__(self, path: Path, writer: Writer, readers: Sequence[Connection]) -> None:
        self.path = path
        self._writer = writer
        self._readers, self._resting = readers, SimpleQueue[Connection]()
        for reader in readers:
            self._resting.put(reader)
        self._threads = ThreadPoolExecutor(len(readers), "mads-reader")
        self._scans = asyncio.Semaphore(len(readers) - 1)
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Return the system's database at `path`, made where it is missing, with the schema of this mads."""
        written, readers = await asyncio.to_thread(_open, path)
        return cls(path, Writer(written), readers)

    async def write(self, work: Work[T]) -> T:
        """Do `work` within a transaction; return its result once that is on disk."""
        with explained(self.path):
            return await self._writer.write(work)

    async def alone(self, work: Work[T]) -> T:
        """Do `work` outside of any transaction, while nobody else writes."""
        with explained(self.path):
            return await self._writer.write(work, alone=True)

    async def read(self, work: Work[T]) -> T:
        """Do `work`, which only reads, and not for long; it sees all that was acknowledged before, nothing later."""
        if self._closed:
            raise StoreError("the store is closed")
        with explained(self.path):
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    async def scan(self, work: Work[T]) -> T:
        """Do `work` as `read` does, where it may take long: others who read do not wait for it."""
        async with self._scans:
            return await self.read(work)

    async def close(self) -> None:
        """Finish what was taken and let go of the file, whatever is being read; closing again does nothing."""
        if not self._closed:
            self._closed = True
            for reader in self._readers:
                reader.interrupt()
            await asyncio.to_thread(self._threads.shutdown)
            for reader in self._readers:
                reader.close()
        await self._writer.close()  # last: the last connection that closes folds the log into the file

    def _read(self, work: Work[T]) -> T:
        connection = self._resting.get()
        try:
            connection.execute("BEGIN")  # or two statements see two states
            try:
                return work(connection)
            finally:
                connection.execute("COMMIT")
        finally:
            self._resting.put(connection)


def _open(path: Path) -> tuple[Connection, list[Connection]]:
    if look_over(path):
        structlog.get_logger().warning(
            "the log ends in a transaction that is not whole, and is left out", path=str(path)
        )
    upgrade(path, shipped())
    written = connect(path)
    with explained(path):
        refuse_changed(written)
    return written, [connect(path, readonly=True) for _ in range(READERS)]
