"""A rule of when something is left alone: which MAD or tools, and what share of failures or slow calls is too much."""

from __future__ import annotations

from msgspec import Struct

from mads.guard.scopes import permits
from mads.wire.served import Served

AWAY = frozenset({"no_responder", "lost", "late"})
"""How a call ends that nobody answered."""

FAILED = AWAY | {"failed"}
"""How a call ends that went wrong: what a handler refuses, or the caller gave up, is no failure of the callee."""


class Rule(Struct, frozen=True, kw_only=True):
    """Opens where of at least `least` calls within `window` this share failed, or took more than `slow`.

    It stays open for `pause` seconds, for twice as long after each probe that goes wrong, up to `longest`; then it lets
    through `probes` at a time, and closes once as many have gone well. With `tool`, a pattern, each tool that fits has
    a breaker of its own; with `mad` all that a MAD offers has one.
    """

    mad: str = ""
    tool: str = ""
    failures: float = 0.5
    slow: float | None = None
    slow_share: float = 0.8
    window: float = 30.0
    least: int = 10
    pause: float = 2.0
    longest: float = 60.0
    probes: int = 1

    def is_for(self, served: Served) -> bool:
        """Return whether it is about `served`."""
        if self.tool:
            return permits((self.tool,), f"mads.{served.mad}.{served.name}", read_only=served.read_only)
        return self.mad in ("*", served.mad)

    def what(self, served: Served) -> str:
        """Return what has the breaker under which `served` falls: a tool, or a MAD as a whole."""
        return f"{served.mad}.{served.name}" if self.tool else served.mad
