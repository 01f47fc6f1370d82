"""The table `[budget]` of `mads.toml`, and the `budget` of each MAD: how much may be spent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from mads.guard import credential
from mads.guard.budget.cap import Cap
from mads.host.quantity import BUDGET, WRITE, budget
from mads.wire.errors import UsageError
from mads.wire.ledger import Level

Budget = str | tuple[str, ...]
"""One cap, or several that all hold: `"2 USD/day"`, `["2 USD/day", "50k tokens/hour"]`."""


class BudgetConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What all may spend together, what each tenant, each conversation, and each call from outside with all it causes.

    A tenant that is named in `tenants` has what stands there instead of what each one has.
    """

    system: Budget = ()
    tenant: Budget = ()
    conversation: Budget = ()
    call: Budget = ()
    tenants: dict[str, Budget] = field(default_factory=dict[str, Budget])

    def caps(self, mads: Mapping[str, Budget]) -> Iterator[Cap]:
        """Yield every cap there is, with those of `mads`."""
        yield from _caps("system", self.system)
        yield from _caps("tenant", self.tenant, but=tuple(self.tenants))
        for name, written in self.tenants.items():
            yield from _caps("tenant", written, name)
        for name, written in mads.items():
            yield from _caps("mad", written, name)
        yield from _caps("conversation", self.conversation)
        yield from _caps("call", self.call)

    def mistakes(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what is wrong with it, each under the names of its keys."""
        for level in ("system", "tenant", "conversation", "call"):
            yield from (((level,), what) for what in misread(getattr(self, level)))
        for name, written in self.tenants.items():
            yield from ((("tenants", name), what) for what in misread(written))
            try:
                credential.check_name("the tenant", name)
            except UsageError as error:
                yield ("tenants", name), str(error)


def misread(written: Budget) -> Iterator[str]:
    """Yield what is wrong with a budget: msgspec, which reads the rest, frees such patterns in a union twice."""
    for each in _each(written):
        if not re.fullmatch(BUDGET, each) or not budget(each)[0]:
            yield f"{each!r:.60} is no budget; {WRITE[BUDGET]}"


def _each(written: Budget) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else written


def _caps(level: Level, written: Budget, name: str = "", but: tuple[str, ...] = ()) -> Iterator[Cap]:
    for each in _each(written):
        most, unit, period = budget(each)
        yield Cap(level=level, name=name, but=but, unit=unit, most=most, period=period, written=each)
