"""Find the MAD that holds up the loop: a thread watches the loop's beat and looks at its stack when it stops."""

from __future__ import annotations

import asyncio
import linecache
import sys
import threading
import time
from collections import Counter
from types import FrameType
from typing import Any

import structlog

from mads.host.supervise.usage import pace
from mads.wire.status import Vitals

LIMIT = 0.2
"""Seconds without a beat after which the loop counts as blocked."""


class BlockingWatch:
    """Counts how often each MAD of this process held up the loop, and logs where.

    A loop that is late because the machine is busy is nobody's fault: only a MAD on the stack is blamed, and the time
    for which the loop waited for a processor does not count.
    """

    def __init__(self) -> None:
        self._blocked: Counter[str] = Counter()
        self._last: dict[str, tuple[float, str]] = {}
        self._names: dict[int, str] = {}
        self._beat = time.monotonic()
        self._done = threading.Event()
        self._log = structlog.get_logger()

    def know(self, mad: str, instance: Any) -> None:
        """Blame `mad` for what the methods of `instance` do."""
        self._names[id(instance)] = mad

    def forget(self, instance: Any) -> None:
        """Blame nobody any more for what the methods of `instance` do."""
        self._names.pop(id(instance), None)

    def vitals(self, mad: str, **rest: Any) -> Vitals:
        """Return how often `mad` held up the loop and where it last did, with the `rest` of what is known of it."""
        when, at = self._last.get(mad, (0.0, ""))
        return Vitals(blocked=self._blocked[mad], at=at, ago=time.monotonic() - when if at else 0.0, **rest)

    def start(self) -> None:
        """Watch the running loop, from its own thread."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._watch,
            args=(threading.get_ident(), threading.get_native_id()),
            name="mads-blocking-watch",
            daemon=True,
        )
        self._tick()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._done.set()
        self._timer.cancel()

    def _tick(self) -> None:
        self._beat = time.monotonic()
        self._timer = self._loop.call_later(LIMIT / 4, self._tick)

    def _watch(self, loop_thread: int, native: int) -> None:
        blamed = seen = ran = waited = 0.0
        before = pace(native)
        while not self._done.wait(LIMIT / 4):
            beat, now = self._beat, time.monotonic()
            after = pace(native)  # read last, for this thread may be kept waiting as well
            if beat != seen:  # what was read a round ago was read before this beat
                seen, ran, waited = beat, after.ran, before.waited
            before = after
            held = after.ran - ran if after.is_running else now - beat - (after.waited - waited)
            if held < LIMIT or beat == blamed:
                continue
            frame = sys._current_frames().get(loop_thread)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the documented way to a thread's stack
            found = self._blame(frame)
            if found is not None and beat == self._beat:
                blamed = beat
                self._note(*found)

    def _note(self, mad: str, place: str) -> None:
        self._blocked[mad] += 1
        self._last[mad] = (time.monotonic(), place)
        self._log.warning("the loop is blocked", mad=mad, at=place, write="await self.workers.run(…)")

    def _blame(self, frame: FrameType | None) -> tuple[str, str] | None:
        """Return the MAD that is on the stack, and the line of its method that does not return."""
        while frame is not None:
            mad = self._names.get(id(frame.f_locals.get("self")))
            if mad is not None:
                path, line = frame.f_code.co_filename, frame.f_lineno
                return mad, f"{path}:{line} {linecache.getline(path, line).strip()}"
            frame = frame.f_back
        return None
