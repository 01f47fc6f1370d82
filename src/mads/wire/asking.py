"""What a handler says to whoever called, before its reply: a question that is answered, or a line of a log."""

from __future__ import annotations

from typing import Any, Literal, get_args

from msgspec import Struct

from mads.wire.content import Audio, Image, Text
from mads.wire.errors import CannotAsk

Asks = Literal["elicitation/create", "sampling/createMessage", "roots/list"]
"""What may be asked, by MCP's method: something of a person, of the caller's model, which folders it works in."""

Level = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
"""How much a line of a log matters, from the least."""

LEVELS: tuple[Level, ...] = get_args(Level)

OPEN = 16
"""How many questions of one call may be open at once."""

Answer = dict[str, Any]
"""What MCP's method returns, in the types of JSON."""


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """One question: `params` are those of MCP's `method`; `name` tells it from the others of its call, "" is any."""

    method: Asks
    params: dict[str, Any]
    name: str


class LogLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a log for the caller: `data` is any JSON, `logger` says whose it is."""

    level: Level
    data: Any
    logger: str = ""


class Declined(Struct, frozen=True):
    """Whoever was asked said no. It is false, as nothing was given."""

    def __bool__(self) -> Literal[False]:
        return False


class Cancelled(Struct, frozen=True):
    """Whoever was asked went away without an answer. It is false, as nothing was given."""

    def __bool__(self) -> Literal[False]:
        return False


class Sampled(Struct, frozen=True):
    """What the caller's model said, and which one that was."""

    content: Text | Image | Audio
    model: str = ""
    stop_reason: str = ""

    @property
    def text(self) -> str:
        """Its words; none where it is no text."""
        return self.content.text if isinstance(self.content, Text) else ""


class Root(Struct, frozen=True):
    """A folder in which the caller works: a `file://` address."""

    uri: str
    name: str = ""


class Speechless:
    """A sink's part for callers that take no questions and read no log."""

    def log(self, line: LogLine) -> None:
        """Let a line go."""

    async def ask(self, question: Question) -> Answer:
        """Raise `CannotAsk`."""
        raise CannotAsk(f"whoever called cannot be asked: {question.method} is for an MCP client that knows it")
