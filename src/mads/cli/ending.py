"""The end of a process that serves: in order at the first signal, at once at the second."""

from __future__ import annotations

import asyncio
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Takes the signals of a process; make one in the task that serves.

    While that is still starting, the first signal cancels it; once it waits for `asked`, it is told.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._starting = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        for number in SIGNALS:
            self._loop.add_signal_handler(number, self._first)

    async def asked(self) -> None:
        """Wait until somebody asks for the end."""
        self._starting = None
        await self._asked.wait()

    def _first(self) -> None:
        for number in SIGNALS:
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        self._asked.set()
        if self._starting is not None:
            self._starting.cancel()
