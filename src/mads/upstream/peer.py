"""Whoever is behind one call to a server: what may be asked of them, and how they hear what it says meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

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
