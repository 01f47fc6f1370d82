"""A rule: which calls it holds, who shares a counter, and how much they may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from mads.guard.limits.gcra import Pace
from mads.guard.limits.quota import Amount
from mads.guard.scopes import permits
from mads.guard.window import Period
from mads.wire.call import Identity
from mads.wire.served import Served

Each = Literal["principal", "role", "tenant", "mad", "tool", "system"]
"""Who has a counter of their own; the system has one for everybody."""


Measure = Literal["rate", "at_once", "size", "reply", "quota"]
"""What a rule may limit."""


class Rule(Struct, frozen=True, kw_only=True):
    """What the calls of which `principal`, `role` and `tenant` to which `mad` and `tool` come up to; None is any.

    `tool` is a pattern as of a scope. Who differs in any of `each` has a counter of their own; principals and roles
    of two tenants always do. `size` and `reply` are in bytes.
    """

    principal: str | None = None
    role: str | None = None
    tenant: str | None = None
    mad: str | None = None
    tool: str | None = None
    each: tuple[Each, ...] = ()
    rate: Pace | None = None
    at_once: int | None = None
    size: int | None = None
    reply: int | None = None
    quota: Amount | None = None

    def counts_as(self, other: Rule) -> bool:
        """Return whether both hold the same calls and count the same: only how many there may be differs."""
        return self._form == other._form

    @property
    def _form(self) -> tuple[Rule, list[bool], Period | None]:
        blank = replace(self, rate=None, at_once=None, size=None, reply=None, quota=None)
        measures = (self.rate, self.at_once, self.size, self.reply, self.quota)
        return blank, [it is None for it in measures], None if self.quota is None else self.quota.period

    @property
    def title(self) -> str:
        """What it holds, in words: `each principal and tool of role guest, mad scribe`."""
        named = ("principal", "role", "tenant", "mad", "tool")
        held = ", ".join(f"{name} {said}" for name in named if (said := getattr(self, name)) is not None)
        each = "all together" if self.each == ("system",) else f"each {' and '.join(self.each)}" if self.each else ""
        return " of ".join(part for part in (each, held) if part) or "every call"

    def told(self, what: Measure) -> str:
        """Return what it says of one measure, in words: `each principal of mad scribe: at_once 2`."""
        return f"{self.title}: {what} {getattr(self, what)}"

    @property
    def counts(self) -> bool:
        """Whether it counts anything, or only measures."""
        return not (self.rate is None and self.at_once is None and self.quota is None)

    def is_for(self, served: Served) -> bool:
        """Return whether it holds calls of `served`, by whomever."""
        name = f"mads.{served.mad}.{served.name}"
        fits = self.tool is None or permits((self.tool,), name, read_only=served.read_only)
        return fits and self.mad in (None, served.mad)

    def is_of(self, identity: Identity) -> bool:
        """Return whether it holds calls of `identity`.

        One that names no MAD and no tool holds what somebody asks for; what MADs ask for in their turn to answer that,
        only where they are named.
        """
        own = len(identity.chain) == (1 if identity.principal.startswith("mad:") else 0)
        return (
            self.principal in (None, identity.principal)
            and (self.role is None or self.role in identity.roles)
            and self.tenant in (None, identity.tenant)
            and (own or self.reaches_inside)
        )

    @property
    def reaches_inside(self) -> bool:
        """Whether it holds calls between MADs as well."""
        return self.mad is not None or self.tool is not None or not {"mad", "tool"}.isdisjoint(self.each)

    def subjects(self, identity: Identity, served: Served) -> Iterator[tuple[str, str]]:
        """Yield the tenant, and in words whatever else, whose counters a call comes up to: one, or one for each role.

        The tenant is empty where others share the counter.
        """
        each = self.each
        roles: tuple[str | None, ...] = (None,)
        if "role" in each:
            roles = identity.roles if self.role is None else (self.role,)
        is_theirs = not {"principal", "role", "tenant"}.isdisjoint(each)
        for role in roles:
            who = {
                "principal": identity.principal,
                "role": role,
                "mad": served.mad,
                "tool": f"mads.{served.mad}.{served.name}",
            }
            told = [f"{name} {said}" for name, said in who.items() if name in each]
            yield identity.tenant if is_theirs else "", ", ".join(told)
