"""One SQLite file in use: looked over and brought up to date at first, written by one thread and read by another."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
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


class Database:
    """A database at `path`; `open` makes one. What it cannot do it says by a `StoreError`."""

    def __init__(self, path: Path, writer: Writer, reader: Connection, thread: ThreadPoolExecutor) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._thread = thread
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Return the system's database at `path`, made where it is missing, with the schema of this mads."""
        thread = ThreadPoolExecutor(1, "mads-reader")
        loop = asyncio.get_running_loop()
        written, read = await loop.run_in_executor(thread, _open, path)
        return cls(path, Writer(written), read, thread)

    async def write(self, work: Work[T]) -> T:
        """Do `work` within a transaction; return its result once that is on disk."""
        with explained(self.path):
            return await self._writer.write(work)

    async def alone(self, work: Work[T]) -> T:
        """Do `work` outside of any transaction, while nobody else writes."""
        with explained(self.path):
            return await self._writer.write(work, alone=True)

    async def read(self, work: Work[T]) -> T:
        """Do `work`, which only reads; it sees all that was acknowledged before."""
        if self._closed:
            raise StoreError("the store is closed")
        with explained(self.path):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._reader)

    async def close(self) -> None:
        """Finish what was taken and let go of the file; closing again does nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._reader.close)
            self._thread.shutdown(wait=False)
        await self._writer.close()  # last: the last connection that closes folds the log into the file


def _open(path: Path) -> tuple[Connection, Connection]:
    if look_over(path):
        structlog.get_logger().warning(
            "the log ends in a transaction that is not whole, and is left out", path=str(path)
        )
    upgrade(path, shipped())
    written = connect(path)
    with explained(path):
        refuse_changed(written)
    return written, connect(path, readonly=True)
