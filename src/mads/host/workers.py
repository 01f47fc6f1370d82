"""Processes for work that would hold up the loop: as many as there are cores, each started when first needed.

One that takes too much memory, crashes, or works for a caller who has gone, ends alone: no other work is lost by it.
"""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, ParamSpec, TypeVar

import structlog

from mads.host import careful
from mads.host.confine import confine, lacking
from mads.host.supervise.usage import limit
from mads.wire.errors import Lost

P = ParamSpec("P")
R = TypeVar("R")

NICE = 5
"""How much less urgent than a loop a worker is, as the operating system counts it."""

ALONE = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What keeps libraries of linear algebra to one thread each: there are as many workers as cores already."""

MEMORY = 1_000_000_000
"""Bytes that one piece of work may take; where it asks for far more, it gets `MemoryError`."""


class ProcessWorkers:
    """Runs functions of modules in child processes, as many at once as there are cores, at least two.

    Where there is a `room`, they write in that folder alone, and reach nothing else outside of themselves.
    """

    def __init__(self, room: str = "") -> None:
        most = max(2, os.cpu_count() or 1)
        self._room, self._confined = room, dict[str, ProcessWorkers]()
        self._free = asyncio.Semaphore(most)
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="mads-worker")
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` in a child process; raise what it raises, or `Lost` where its process ended under it.

        Cancelled, it ends that process.
        """
        async with self._free:
            worker = self._idle.pop() if self._idle else _Worker(self._room)
            self._all.add(worker)
            try:
                task = functools.partial(work, *args, **kwargs)
                ok, outcome = await asyncio.get_running_loop().run_in_executor(self._threads, worker.do, task)
            except EOFError:
                self._all.discard(worker)
                raise Lost(f"the process that ran {work.__qualname__} {worker.end()}") from None
            except pickle.UnpicklingError as error:
                self._all.discard(worker)
                worker.kill()
                raise Lost(f"the process that ran {work.__qualname__} {error}") from None
            except asyncio.CancelledError:
                self._all.discard(worker)
                worker.kill()
                raise
            except BaseException:
                self._idle.append(worker)  # the task could not be sent, and nothing was
                raise
            self._idle.append(worker)
        if not ok:
            raise outcome
        result: R = outcome
        return result

    def confined(self, folder: str) -> ProcessWorkers:
        """Return workers whose processes are confined to `folder`; where that cannot be, it is logged."""
        if why := lacking():
            structlog.get_logger().warning("work on what comes from outside is not confined", folder=folder, why=why)
            return self
        return self._confined.setdefault(folder, ProcessWorkers(folder))

    def close(self) -> None:
        """End the processes, whatever they do."""
        for workers in self._confined.values():
            workers.close()
        for worker in self._all:
            worker.kill()
        self._threads.shutdown()
        for worker in self._all:
            worker.end()
        self._all.clear()


class _Worker:
    """One child process, and this process's end of what leads to it."""

    def __init__(self, room: str) -> None:
        self._room = room
        self._process: Any = None
        self._pipe: Connection | None = None
        self._killed = False

    def do(self, task: Callable[[], Any]) -> tuple[bool, Any]:
        """Have the process do `task`, and wait; return whether it went well, and its result or error.

        Raises `EOFError` where the process ended, `UnpicklingError` where a confined one answers with more than values,
        and what pickling raises where it was sent nothing.
        """
        packed = pickle.dumps(task)
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._room), daemon=True)
            self._process.start()
            theirs.close()
            if self._killed:
                self._process.kill()
        try:
            self._pipe.send_bytes(packed)
            answer = self._pipe.recv_bytes()
        except OSError:
            raise EOFError from None
        ok, outcome = careful.loads(answer) if self._room else pickle.loads(answer)  # noqa: S301  a child of ours
        return ok, outcome

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def end(self) -> str:
        """Wait for the end of a process that is ending; return how it ended."""
        if self._process is None:
            return "was not begun"
        self._process.join()
        code = self._process.exitcode
        return f"ended ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"


def _serve(pipe: Connection, room: str) -> None:
    """Do one task after the other, until nobody sends any."""
    _prepare()
    is_ready = False
    while True:
        try:
            packed = pipe.recv_bytes()
        except EOFError:
            return
        try:
            task = pickle.loads(packed)  # noqa: S301  the parent sent it
            if not is_ready:
                _shut(room)  # not before the first task is there: its module may lie where nothing is read after this
                is_ready = True
            answer = pickle.dumps((True, task()))
        except Exception as error:  # noqa: BLE001  it is raised where the work was asked for
            answer = pickle.dumps((False, _portable(error)))
        pipe.send_bytes(answer)


def _portable(error: Exception) -> Exception:
    """Return `error`, or what says the same where it cannot travel; its note says where it was raised."""
    told = "".join(traceback.format_exception(error))
    with suppress(Exception):
        error.add_note(f"in a worker:\n{told}")
        pickle.loads(pickle.dumps(error))  # noqa: S301  the very bytes that were just written
        return error
    return RuntimeError(told)


def _prepare() -> None:
    """Give way to the loops, take no more than may be taken, and leave interrupts to the parent."""
    os.nice(NICE)
    limit(MEMORY)
    for name in ALONE:
        os.environ.setdefault(name, "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _shut(room: str) -> None:
    """Confine this process to its `room`, where it has one, and have it end with its parent."""
    if room:
        confine(room)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="mads-lifeline", daemon=True).start()
