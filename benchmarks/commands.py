"""Durable commands, beside the least that a group commit takes: a thread that inserts the same rows.

Both acknowledge each row to a task of its own after COMMIT, with the same settings of SQLite, in the same table with
the same indices, to the disk on which a system keeps its own. The thread is given its rows ready-made: no arguments
are checked, no message is packed, no checksum is taken, nothing is scheduled.

The whole way is sent, begun, handled by another MAD and finished. Recovery is from the start of a process to the first
delivery, where the one before was killed over 100,000 open commands.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import apsw
from benchmarks.post import Clerk, Depot, Sender

from mads.host.config import MadConfig
from mads.host.loop import new_loop
from mads.store.migrations import shipped
from mads.store.migrations.upgrade import upgrade
from mads.store.sqlite import Connection, Value, connect
from mads.testing.placed import Placed, placed

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".mads"
NOW = 1_800_000_000_000
ROW: tuple[Value, ...] = ("default", "sender", "mads.depot.take", 2, NOW, NOW, NOW, bytes(577), 2**31)
"""What differs from command to command; the envelope is as long as that of a `Parcel`."""
INSERT = """
    INSERT INTO commands (state, attempt, attempts, why, tenant, sender, subject, band, sent, due, since, envelope, sum)
    VALUES ('open', 0, 8, '', ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
PRODUCERS = 64
SECONDS = 0.5
ROUNDS = 7
SYNC = 0.004
"""The seconds that a sync takes on the slower disk."""
OPEN = 100_000
STEPS = 200

Item = tuple[tuple[Value, ...], asyncio.Future[int]]


class Bare:
    """A writer thread with a queue: what waits is one transaction."""

    def __init__(self, path: Path) -> None:
        upgrade(path, shipped())
        self._connection: Connection = connect(path)
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = Thread(target=self._run)
        self._thread.start()

    async def add(self) -> int:
        """Return the number of a row once it is on disk."""
        done: asyncio.Future[int] = self._loop.create_future()
        self._queue.put((ROW, done))
        return await done

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            batch = [item]
            while not self._queue.empty() and (item := self._queue.get()) is not None:
                batch.append(item)
            self._connection.execute("BEGIN IMMEDIATE")
            told = [(done, self._insert(row)) for row, done in batch]
            self._connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_tell, told)
        self._connection.close()

    def _insert(self, row: tuple[Value, ...]) -> int:
        self._connection.execute(INSERT, row)
        return self._connection.last_insert_rowid()


def _tell(told: list[tuple[asyncio.Future[int], int]]) -> None:
    for done, seq in told:
        done.set_result(seq)


async def bare_rows(bare: Bare) -> float:
    """Return how many rows a second as many tasks add, each of which waits for one before it adds the next."""
    end = time.perf_counter() + SECONDS

    async def produce() -> int:
        count = 0
        while time.perf_counter() < end:
            await bare.add()
            count += 1
        return count

    return sum(await asyncio.gather(*(produce() for _ in range(PRODUCERS)))) / SECONDS


async def sends(it: Placed, bare: Bare) -> dict[str, float]:
    """Return the sends a second of 64 tasks, with nothing due and with all of it delivered, and the whole way."""
    sender, depot = it.mad(Sender), it.mad(Depot)
    way: list[tuple[float, float]] = []
    rounds = await beside(sender, bare)
    for _ in range(ROUNDS):
        before, started = await depot.count(), time.perf_counter()
        sent = await sender.pour(SECONDS, PRODUCERS)
        sending = time.perf_counter() - started
        await _until(depot.count, before + sent)
        way.append((sent / sending, sent / (time.perf_counter() - started)))
    return {
        "commands_bare_64_rows_s": round(statistics.median(base for base, _ in rounds)),
        "commands_send_64_s": round(statistics.median(ours for _, ours in rounds)),
        "commands_send_64_ratio": round(statistics.median(ours / base for base, ours in rounds), 2),
        "commands_send_64_while_delivering_s": round(statistics.median(sending for sending, _ in way)),
        "commands_whole_way_s": round(statistics.median(whole for _, whole in way)),
    }


async def beside(sender: Sender, bare: Bare) -> list[tuple[float, float]]:
    """Return how many rows and how many sends a second there are, in turns."""
    return [(await bare_rows(bare), await sender.pour(SECONDS, PRODUCERS, later=True) / SECONDS) for _ in range(ROUNDS)]


async def slow(folder: Path) -> dict[str, float]:
    """Return how many sends there are to a row where a sync takes `SYNC`."""
    with slow_disk():
        async with placed(folder, strict=False, path=(str(ROOT),), **MADS) as it:
            bare = Bare(folder / "bare.sqlite")
            rounds = await beside(it.mad(Sender), bare)
            bare.close()
    return {"commands_send_64_slow_disk_ratio": round(statistics.median(ours / base for base, ours in rounds), 2)}


@contextlib.contextmanager
def slow_disk() -> Generator[None]:
    """Let each commit of the connections that are opened meanwhile wait for so long, the interpreter being free."""

    def wait() -> bool:
        time.sleep(SYNC)
        return False

    def slowed(connection: apsw.Connection) -> None:
        connection.set_commit_hook(wait)

    apsw.connection_hooks.append(slowed)
    try:
        yield
    finally:
        apsw.connection_hooks.remove(slowed)


async def alone(it: Placed, bare: Bare) -> dict[str, float]:
    """Return the median of the milliseconds that one send takes at rest, and one row of the thread."""
    rows: list[float] = []
    ones: list[float] = []
    for _ in range(200):
        started = time.perf_counter()
        await bare.add()
        rows.append((time.perf_counter() - started) * 1000)
        ones.append(await it.mad(Sender).one())
    return {
        "commands_bare_p50_ms": round(statistics.median(rows), 2),
        "commands_send_p50_ms": round(statistics.median(ones), 2),
    }


async def steps(it: Placed) -> dict[str, float]:
    """Return how many steps a second 64 commands take side by side, a local function each."""
    started = time.perf_counter()
    await it.mad(Sender).hand(PRODUCERS, STEPS)
    await _until(it.mad(Clerk).count, PRODUCERS)
    return {"commands_steps_s": round(PRODUCERS * STEPS / (time.perf_counter() - started))}


async def recovery(folder: Path) -> dict[str, float]:
    """Return the seconds from the start of a process to its first delivery, after one that was killed."""
    killed = await _process(folder, "fill")
    assert killed.stdout is not None
    assert await killed.stdout.readline() == b"full\n"
    killed.kill()
    await killed.wait()
    started = time.perf_counter()
    process = await _process(folder, "deliver")
    assert process.stdout is not None
    assert await process.stdout.readline() == b"first\n"
    took = time.perf_counter() - started
    process.kill()
    await process.wait()
    return {"commands_recovery_s": round(took, 2)}


async def _process(folder: Path, how: str) -> asyncio.subprocess.Process:
    words = (sys.executable, "-m", "benchmarks.commands", str(folder), how)
    return await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.PIPE)


async def killable(folder: Path, how: str) -> None:
    """Fill a system with open commands, or deliver what is open, until somebody kills this process."""
    depot = MadConfig("benchmarks.post:Depot", set={"shut": how == "fill", "loud": how == "deliver"})
    mads: dict[str, Any] = MADS | {"depot": depot}
    async with placed(folder, strict=False, path=(str(ROOT),), **mads) as it:
        if how == "fill":
            await it.mad(Sender).pour(60, PRODUCERS, OPEN)
            print("full", flush=True)
        await asyncio.Event().wait()


async def _until(count: Callable[[], Awaitable[int]], enough: int) -> None:
    while await count() < enough:
        await asyncio.sleep(0.001)


MADS: dict[str, Any] = {
    "sender": "benchmarks.post:Sender",
    "depot": "benchmarks.post:Depot",
    "clerk": MadConfig("benchmarks.post:Clerk", at_once=PRODUCERS),
}


async def measure() -> dict[str, float]:
    """Return all figures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        folder = Path(name)
        async with placed(folder, strict=False, path=(str(ROOT),), **MADS) as it:
            bare = Bare(folder / "bare.sqlite")
            figures = await alone(it, bare) | await steps(it) | await sends(it, bare)
            bare.close()
        return figures | await slow(folder / "slow") | await recovery(folder / "again")


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(killable(Path(sys.argv[1]), sys.argv[2]))
    else:
        from benchmarks.report import report

        report("commands", run())
