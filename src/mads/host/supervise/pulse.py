"""Whether the loop of a child answers: asked again as soon as it has, and the seconds counted while it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mads.wire.status import Vitals

PATIENCE = 3600.0
"""Seconds after which an unanswered question is forgotten; long before that the child is."""


class Pulse:
    """The pulse of one child, felt by `beat`.

    What counts is the time in which this process's own loop ran: where it stood still, a child could not answer.
    """

    def __init__(self, ask: Callable[[float], Awaitable[Vitals | None]]) -> None:
        self.silent = 0.0
        self.vitals = Vitals()
        self._ask = ask
        self._asked: asyncio.Task[None] | None = None

    def beat(self, passed: float) -> None:
        """Count `passed` seconds of silence, or ask again."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._feel())
        else:
            self.silent += passed

    def stop(self) -> None:
        """Ask no more."""
        if self._asked is not None:
            self._asked.cancel()

    async def _feel(self) -> None:
        self.vitals = await self._ask(PATIENCE) or self.vitals
        self.silent = 0.0
