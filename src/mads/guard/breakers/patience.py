"""For how long a handler waited for its caller: to be answered, or to read on. That is not held against the handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mads.wire.asking import Answer, LogLine, Question
from mads.wire.call import Progress, Sink


class Patient:
    """The sink of a call; `waited` is for how many seconds of the clock its handler had to wait at it."""

    def __init__(self, sink: Sink, clock: Callable[[], float]) -> None:
        self._sink, self._clock = sink, clock
        self.waited = 0.0
        self.progress: Callable[[Progress], None] = sink.progress
        self.log: Callable[[LogLine], None] = sink.log

    async def item(self, body: Any) -> None:
        """Hand over one item of a stream."""
        began = self._clock()
        try:
            await self._sink.item(body)
        finally:
            self.waited += self._clock() - began

    async def ask(self, question: Question) -> Answer:
        """Put a question to the caller and return its answer."""
        began = self._clock()
        try:
            return await self._sink.ask(question)
        finally:
            self.waited += self._clock() - began
