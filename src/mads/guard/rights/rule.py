"""A rule says that what fits a pattern may be called, or may not; a role is a name for rules.

A pattern is a scope (`mads.scribe.*`, `mads.>:read_only`), or one of tools that destroy (`mads.tree.*:destructive`),
which no other pattern allows. What is denied is denied whether it destroys or not.
"""

from __future__ import annotations

import re

from msgspec import Struct

from mads.bus.subjects import parse
from mads.guard.principals import ADMIN, DEVELOPER
from mads.guard.scopes import LONGEST, permits
from mads.wire.errors import UsageError
from mads.wire.served import Served
from mads.wire.tools import ToolInfo

ROLE = "role:"
"""How whoever holds a rule is written, where that is a role; `mad:` is a MAD, and anything else a principal."""

MAD = "mad:"

EVERY = "*"
"""The tenant of what counts for all of them."""

DESTRUCTIVE = ":destructive"

_WORD = re.compile(r"[A-Za-z0-9_]+|[*>]")


class Target(Struct, frozen=True):
    """What is to be called: its canonical name, `mads.MAD.TOOL`, and what it says of itself."""

    name: str
    read_only: bool = False
    destructive: bool = False


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """`whom` (a principal, `role:NAME` or `mad:NAME`), of which tenant, may or may not call what fits `pattern`.

    `when` is a condition in CEL, "" for always.
    """

    whom: str
    pattern: str
    tenant: str = EVERY
    allow: bool = True
    when: str = ""

    def __str__(self) -> str:
        """Return the rule as it is told of."""
        whose = "" if self.tenant == EVERY else f" of {self.tenant}"
        when = self.when and f" when {self.when}"
        return f"{self.whom}{whose}: {'allow' if self.allow else 'deny'} {self.pattern}{when}"

    def fits(self, target: Target) -> bool:
        """Return whether `target` is one of those that the rule is about."""
        pattern = self.pattern.removesuffix(DESTRUCTIVE)
        if pattern != self.pattern and not target.destructive:
            return False
        if pattern == self.pattern and target.destructive and self.allow:
            return False
        return permits((pattern,), target.name, read_only=target.read_only)


BUILT_IN = (
    Rule(ROLE + DEVELOPER, "mads.>"),
    Rule(ROLE + ADMIN, "mads.>"),
    Rule(ROLE + ADMIN, "mads.>:destructive"),
)
"""The rules that every system has."""


def target_of(it: Served | ToolInfo) -> Target:
    """Return what is served, or listed, as it is asked for."""
    name = it.name if isinstance(it, ToolInfo) else f"mads.{it.mad}.{it.name}"
    return Target(name, it.read_only, it.destructive)


def check_pattern(pattern: str) -> None:
    """Raise `UsageError` where `pattern` is none."""
    words = parse(pattern.partition(":")[0])
    fit = words[0] == "mads" and all(map(_WORD.fullmatch, words)) and len(pattern) <= LONGEST
    if not fit or pattern.partition(":")[2] not in ("", "read_only", "destructive"):
        raise UsageError(
            f"{pattern!r} is no pattern of tools; write `mads.NAME.TOOL`, `mads.NAME.*` or `mads.>`, and `:read_only` "
            "or `:destructive` behind it for only those of them"
        )
