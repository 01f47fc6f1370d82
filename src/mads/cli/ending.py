"""The end of a process that serves: in order at the first signal, at once at the second."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

LIMIT = 1.9
"""The seconds after which the kernel ends what an orderly end did not."""


class Ending:
    """Takes the signals of a process; make one in the task that serves.

    While that is still `starting`, the first signal cancels it; once it waits for `asked`, it is told. The handlers are
    the interpreter's, not the loop's, so that a second signal counts even where a MAD holds up the loop.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.starting = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        for number in SIGNALS:
            signal.signal(number, self._first)

    async def asked(self) -> None:
        """Wait until somebody asks for the end."""
        self.starting = None
        await self._asked.wait()

    def _first(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        with suppress(RuntimeError):  # the loop may be closed, and the process on its way out
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._asked.set()
        if self.starting is not None:
            self.starting.cancel()
