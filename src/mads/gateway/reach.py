"""How the client of one request can be reached until that is answered: what it wants to hear, and may be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct, field

from mads.wire.asking import Answer, LogLine, Question

Tell = Callable[[float, float | None, str | None], Awaitable[None]]
"""Sends one progress notification: done, of total, a message."""

Log = Callable[[LogLine], Awaitable[None]]
"""Sends one line of a log, where it matters enough to the client."""

Ask = Callable[[Question], Awaitable[Answer]]
"""Puts a question to the client and returns its answer."""


class Reach(Struct, frozen=True):
    """The ways to a client; without `ask` it is asked in rounds: it gets the questions, and comes again with `answers`.

    `can` are the methods that it answers, `state` the round that it goes on with, None in the first.
    """

    tell: Tell | None = None
    log: Log | None = None
    ask: Ask | None = None
    can: frozenset[str] = frozenset()
    answers: Mapping[str, Answer] = field(default_factory=dict[str, Answer])
    state: str | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of MCP that the client answers, or wants to hear."""
        heard = (("notifications/progress", self.tell), ("notifications/message", self.log))
        return (*sorted(self.can), *(method for method, way in heard if way is not None))


OUT_OF_REACH = Reach()
