"""What workers do for those who have much to do, and what becomes of the others when one of them goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mads.host.workers import ProcessWorkers
from mads.wire.errors import Lost

COVERS = ("R-102",)

pytestmark = pytest.mark.slow


class Stubborn(Exception):
    """Cannot be made from its own arguments."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


@pytest.fixture
def workers() -> Iterator[ProcessWorkers]:
    workers = ProcessWorkers()
    yield workers
    workers.close()


def divide(a: int, b: int) -> float:
    return a / b


def bomb() -> int:
    return len(b"." * 20_000_000_000)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    os._exit(3)


def refuse() -> None:
    raise Stubborn("one", "two")


def unsayable() -> object:
    return lambda: None


def linger(file: str) -> None:
    Path(file).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(60)


def told(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


async def begun(file: Path) -> int:
    async with asyncio.timeout(10):
        while not (pid := told(file)):
            await asyncio.sleep(0.01)
    return int(pid)


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while (state := told(Path(f"/proc/{pid}/stat"))) and " Z " not in state:
            await asyncio.sleep(0.01)


async def test_what_work_returns_and_raises_reaches_who_asked_with_the_place_where_it_was_raised(
    workers: ProcessWorkers,
) -> None:
    assert await workers.run(divide, 6, b=3) == 2
    with pytest.raises(ZeroDivisionError) as caught:
        await workers.run(divide, 1, 0)
    assert "return a / b" in "".join(caught.value.__notes__)


async def test_a_worker_takes_one_core(workers: ProcessWorkers) -> None:
    assert await workers.run(os.getenv, "OPENBLAS_NUM_THREADS") == os.environ.get("OPENBLAS_NUM_THREADS", "1")


async def test_what_cannot_travel_is_an_error_and_the_worker_goes_on(workers: ProcessWorkers) -> None:
    with pytest.raises(RuntimeError, match="one and two"):
        await workers.run(refuse)
    with pytest.raises(Exception, match=r"[Cc]an't (get|pickle) local object"):
        await workers.run(unsayable)
    with pytest.raises(Exception, match=r"[Cc]an't (get|pickle)"):
        await workers.run(lambda: 1)
    assert await workers.run(divide, 6, 3) == 2


async def test_one_that_ends_takes_nobody_with_it_and_says_how(workers: ProcessWorkers, tmp_path: Path) -> None:
    other = asyncio.create_task(workers.run(linger, str(tmp_path / "other")))
    await begun(tmp_path / "other")
    with pytest.raises(Lost, match=r"the process that ran crash ended \(SIGSEGV\)"):
        await workers.run(crash)
    with pytest.raises(Lost, match="the process that ran leave ended with exit code 3"):
        await workers.run(leave)
    with pytest.raises(MemoryError):
        await workers.run(bomb)
    assert await workers.run(divide, 6, 3) == 2
    assert not other.done()
    other.cancel()


async def test_work_that_nobody_waits_for_is_ended_and_gives_its_place_to_other_work(
    workers: ProcessWorkers, tmp_path: Path
) -> None:
    tasks = [
        asyncio.create_task(workers.run(linger, str(tmp_path / str(i)))) for i in range(max(2, os.cpu_count() or 1))
    ]
    pids = [await begun(tmp_path / str(i)) for i in range(len(tasks))]
    waiting = asyncio.create_task(workers.run(divide, 6, 3))
    for task in tasks:
        task.cancel()
    assert await waiting == 2
    for pid in pids:
        await gone(pid)


async def test_closing_ends_whatever_they_do(tmp_path: Path) -> None:
    workers = ProcessWorkers()
    task = asyncio.create_task(workers.run(linger, str(tmp_path / "told")))
    pid = await begun(tmp_path / "told")
    workers.close()
    with pytest.raises(Lost, match="SIGKILL"):
        await task
    await gone(pid)
