"""The tables `[[limits]]` of `mads.toml`: how much somebody may ask for."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from mads.guard import credential, scopes
from mads.guard.limits.quota import Amount
from mads.guard.limits.rule import Each, Rule
from mads.host.quantity import QUOTA, RATE, Size, pace, quota, size
from mads.wire.errors import UsageError

SHARERS = '"principal", "role", "tenant", "mad", "tool", or "system" for one counter that everybody shares'

MEASURES = ("rate", "at_once", "size", "reply", "quota")


class LimitConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: the calls of which `principal`, `role` and `tenant`, to which `mad` and `tool`, and how many of them.

    `each` says who has a counter of their own. `rate` is how often ("5/min", up to `burst` at a time), `at_once` how
    many are handled side by side, `size` and `reply` how large arguments and answers are, `quota` how many a day or
    a month in UTC ("1000/day").
    """

    SAME: ClassVar[str] = "counts the same calls as rule {}; write what both say into one"

    principal: str | None = None
    role: str | None = None
    tenant: str | None = None
    mad: str | None = None
    tool: str | None = None
    each: Each | tuple[Each, ...] = ()
    rate: Annotated[str, Meta(pattern=RATE)] | None = None
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    at_once: Annotated[int, Meta(ge=1, le=65536)] | None = None
    size: Size | None = None
    reply: Size | None = None
    quota: Annotated[str, Meta(pattern=QUOTA)] | None = None

    def rule(self) -> Rule:
        """Return the rule that it is."""
        return Rule(
            principal=self.principal,
            role=self.role,
            tenant=self.tenant,
            mad=self.mad,
            tool=self.tool,
            each=(self.each,) if isinstance(self.each, str) else self.each,
            rate=None if self.rate is None else pace(self.rate, self.burst),
            at_once=self.at_once,
            size=None if self.size is None else size(self.size),
            reply=None if self.reply is None else size(self.reply),
            quota=None if self.quota is None else Amount(*quota(self.quota)),
        )

    def counted(self) -> Any:
        """Return what no two rules may have in common: what their counters are known by."""
        rule = self.rule()
        return rule if rule.quota is None else (rule.title, rule.quota.period)

    def mistakes(self, mads: Collection[str]) -> list[tuple[str, str]]:
        """Return what is wrong with what the fields say where these `mads` are there, each under its field's name."""
        wrong = [*self._misnamed(), *nowhere(self.mad, self.tool, mads)]
        if all(getattr(self, name) is None for name in MEASURES):
            wrong.append(("", f"limits nothing; write one of {', '.join(MEASURES)}"))
        if self.burst is not None and self.rate is None:
            wrong.append(("burst", 'is that of a rate; write one as well, as in rate = "5/min"'))
        rule = self.rule()
        if rule.counts and not rule.each:
            wrong.append(("", f"counts calls; write who has a counter of their own: each = {SHARERS}"))
        if len({*rule.each}) < len(rule.each) or ("system" in rule.each and len(rule.each) > 1):
            wrong.append(("each", f"write each of them once, and system alone: {SHARERS}"))
        return wrong

    def _misnamed(self) -> list[tuple[str, str]]:
        wrong: list[tuple[str, str]] = []
        for field in ("principal", "role", "tenant"):
            try:
                if (name := getattr(self, field)) is not None:
                    credential.check_name(f"the {field}", name)
            except UsageError as error:
                wrong.append((field, str(error)))
        return wrong


def nowhere(mad: str | None, tool: str | None, mads: Collection[str]) -> list[tuple[str, str]]:
    """Return where a rule about `mad`, or the pattern `tool`, names a MAD that is none of `mads`."""
    wrong: list[tuple[str, str]] = []
    named = [("mad", mad)]
    try:
        if tool is not None:
            scopes.check([tool])
            named.append(("tool", tool.split(".")[1]))
    except UsageError:
        wrong.append(("tool", f"{tool!r} names no tools; write mads.NAME.TOOL, mads.NAME.* or mads.>"))
    for field, name in named:
        if name is not None and name not in ("*", ">", *mads):
            near = difflib.get_close_matches(name, mads, 1)
            wrong.append((field, f"there is no MAD {name!r}{(near and f'; did you mean {near[0]!r}?') or ''}"))
    return wrong
