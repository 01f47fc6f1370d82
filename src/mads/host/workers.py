"""Processes for work that would hold up the loop: one small pool a process, started when first needed."""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import ParamSpec, TypeVar

from mads.wire.errors import Lost

P = ParamSpec("P")
R = TypeVar("R")

NICE = 5
"""How much less urgent than a loop a worker is, as the operating system counts it."""


class ProcessWorkers:
    """Runs functions of modules in child processes, as many as there are cores, at least two."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` in a child process; raise what it raises, or `Lost` where its process ended under it."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                max_workers=max(2, os.cpu_count() or 1),
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_prepare,
            )
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, functools.partial(work, *args, **kwargs))
        except BrokenProcessPool as error:
            if self._pool is pool:
                self._pool = None
            raise Lost(f"the process that ran {work.__qualname__} ended") from error

    def close(self) -> None:
        """End the processes, whatever they do."""
        if self._pool is not None:
            children = multiprocessing.active_children()
            self._pool.shutdown(wait=False, cancel_futures=True)
            for child in children:
                child.kill()
            for child in children:
                child.join()
            self._pool = None


def _prepare() -> None:
    """Give way to the loops, leave interrupts to the parent, and end with it, however it ends."""
    os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="mads-lifeline", daemon=True).start()
