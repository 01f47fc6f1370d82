"""Whoever is behind one call to a server: what may be asked of them, and how they hear what it says meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, REQUEST_TIMEOUT

from mads.wire.errors import CallError, DeadlineExceeded, Failed, InvalidMessage, Lost, NoResponder

Said = dict[str, Any]
"""An object of JSON, as MCP has it."""

Ask = Callable[[str, Said, str], Awaitable[Said]]
"""Answers a request of the server: method, parameters, its name in the call; raises `CallError` if nobody does."""

Tell = Callable[[float, float | None, str], None]
"""Hears how far a call has come."""

Log = Callable[[str, Any, str], None]
"""Hears a line of the server's log: its level, what it says, whose it is."""

ASKING = {"elicitation/create", "sampling/createMessage", "roots/list"}
"""The methods by which a server asks."""

HTTP_ERROR = "Server returned an error response"
"""What the SDK says of a status that is neither good nor "not found"."""


@dataclass(frozen=True)
class Peer:
    """One caller; `can` are the methods of MCP that it answers, and the notifications that it wants to hear."""

    ask: Ask
    tell: Tell
    log: Log
    can: Collection[str] = ()
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def asked(self) -> bool:
        """Whether it answers anything."""
        return not ASKING.isdisjoint(self.can)

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Hear how far the call has come."""
        self.tell(progress, total, message or "")

    async def hear(self, message: Said) -> None:
        """Hear a notification; what is malformed, or unknown, goes unheard."""
        params = cast("Said", message.get("params") or {})
        match message.get("method"), params:
            case "notifications/progress", {"progress": int() | float() as done}:
                total, note = params.get("total"), params.get("message")
                self.tell(
                    done, total if isinstance(total, int | float) else None, note if isinstance(note, str) else ""
                )
            case "notifications/message", {"level": str(level), "data": data}:
                self.log(level, data, str(params.get("logger") or ""))
            case _:
                pass


def refusal(code: Any, message: str) -> CallError:
    """Return the error of ours for an error of MCP."""
    said = f"{message:.500}"
    match code:
        case _ if code == REQUEST_TIMEOUT:
            return DeadlineExceeded(f"it did not answer in time ({said})")
        case _ if code in (CONNECTION_CLOSED, PARSE_ERROR, INVALID_REQUEST):
            return Lost(f"it did not answer as a server does ({said})")
        case _ if message == HTTP_ERROR:
            return NoResponder("it answered with an HTTP error")
        case _ if code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            return InvalidMessage(said)
        case _:
            return Failed(f"{said} ({code})")
