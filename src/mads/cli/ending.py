"""The end of a process that serves: in order at the first signal, at once at the second."""

from __future__ import annotations

import _thread
import asyncio
import os
import signal
import time
from contextlib import suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SAID = 1.8
"""The seconds after which an end in order is given up, and that is said."""

LIMIT = 1.9
"""The seconds after which the kernel ends what could not even say so."""

LATE = f"It was not over after {SAID:g} s, so it ended as it stood; what it had accepted is kept.\n"


class Ending:
    """Takes the signals of a process; make one in the task that serves.

    While that is still `starting`, the first signal cancels it; once it waits for `asked`, it is told. The handlers are
    the interpreter's, not the loop's, so that a second signal counts even where a MAD holds up the loop.
    """

    def __init__(self) -> None:
        self._asked, self._over = asyncio.Event(), False
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
        _thread.start_new_thread(self._give_up, ())
        with suppress(RuntimeError):  # the loop may be closed, and the process on its way out
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._asked.set()
        if self.starting is not None:
            self.starting.cancel()

    def over(self) -> None:
        """Say that all has ended in order; the interpreter may take until the kernel's limit once more to go."""
        self._over = True
        if signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.setitimer(signal.ITIMER_REAL, LIMIT)

    def _give_up(self) -> None:
        """End the process where it takes too long: in a thread of its own, since a MAD may hold up the loop."""
        time.sleep(SAID)
        if not self._over:  # else a thread that some MAD left is all that there is to wait for
            os.write(2, LATE.encode())
        os._exit(not self._over)
