"""The tables `[[breakers]]` of `mads.toml`: when something that fails, or takes too long, is left alone for a while."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from mads.guard.breakers.rule import Rule
from mads.guard.scopes import permits
from mads.host.limits import nowhere
from mads.host.quantity import Share, Span, seconds

FOREIGN_LEAST = 5
"""How many calls it takes to judge an MCP server of which no rule says anything."""


class BreakerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: the breaker of a `mad` ("*": of each), or of each tool that fits `tool`, a pattern as of a scope.

    It opens where, of `least` or more calls within `window`, the share `failures` failed, or the share `slow_share`
    took longer than `slow`; for `pause`, then twice as long each time, up to `longest`. `probes` calls at a time try
    whether all is well again; once as many have gone well it closes.
    """

    SAME: ClassVar[str] = "is about the same as rule {}; write what both say into one"

    mad: str | None = None
    tool: str | None = None
    failures: Share = 0.5
    slow: Span | None = None
    slow_share: Share = 0.8
    window: Span = 30.0
    least: Annotated[int, Meta(ge=1, le=100_000)] = 10
    pause: Span = 2.0
    longest: Span = 60.0
    probes: Annotated[int, Meta(ge=1, le=1000)] = 1

    def rule(self) -> Rule:
        """Return the rule that it is."""
        return Rule(
            mad=self.mad or "",
            tool=self.tool or "",
            failures=self.failures,
            slow=None if self.slow is None else seconds(self.slow),
            slow_share=self.slow_share,
            window=seconds(self.window),
            least=self.least,
            pause=seconds(self.pause),
            longest=seconds(self.longest),
            probes=self.probes,
        )

    def counted(self) -> Any:
        """Return what no two rules may have in common."""
        return self.mad, self.tool

    def mistakes(self, mads: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with what the fields say where these `mads` are there, each under its field's name."""
        if (self.mad is None) == (self.tool is None):
            yield "", 'says whose breaker it is: write mad = "NAME", or tool = "mads.NAME.TOOL", and not both'
        yield from nowhere(self.mad, self.tool, mads)
        if self.mad == "steward" or (self.tool or "").startswith("mads.steward."):
            yield "mad" if self.mad else "tool", "the steward has no breaker: by it whatever is off is put right"
        if seconds(self.longest) < seconds(self.pause):
            yield "longest", f"is the longest pause, and shorter than the first, {self.pause!r}; write a longer one"


def foreign_rules(rules: Sequence[BreakerConfig], within: Mapping[str, float]) -> list[BreakerConfig]:
    """Return the rules of those MCP servers of which none of `rules` says anything; one may take `within` to answer."""
    said = {rule.mad for rule in rules}
    return [
        BreakerConfig(mad=mad, slow=seconds / 2, least=FOREIGN_LEAST)
        for mad, seconds in within.items()
        if not said & {mad, "*"}
    ]


def unfitting(rules: Sequence[BreakerConfig], tools: Collection[str], foreign: Collection[str]) -> Iterator[str]:
    """Yield where a rule is about none of `tools`; what a MAD that is `foreign` will offer nobody knows yet."""
    for at, rule in enumerate(rules, 1):
        if rule.tool is None or rule.tool.split(".")[1] in (*foreign, "*", ">"):
            continue
        if not any(permits((rule.tool,), tool, read_only=True) for tool in tools):
            near = difflib.get_close_matches(rule.tool, tools, 1)
            yield f"[[breakers]] {at}: no tool fits {rule.tool!r}{(near and f'; did you mean {near[0]}?') or ''}"
