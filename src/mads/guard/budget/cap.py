"""A cap: how much may be spent, by whom, and in which time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from mads.guard.window import Period, Window, window_at
from mads.store.ledger.port import Line, Whose
from mads.wire.ledger import Amount, Level, Unit

FRACTIONS: dict[Unit, int] = {"USD": 1_000_000, "tokens": 1, "calls": 1, "s": 1000}
"""How many of what is counted are one unit."""

OF: Mapping[Unit, Callable[[Amount], int]] = {
    "USD": attrgetter("micro_usd"),
    "tokens": attrgetter("usage.total"),
    "calls": attrgetter("calls"),
    "s": attrgetter("ms"),
}
"""What a unit counts of an amount."""

MICRO = 1_000_000

ALWAYS = Window("", 0, 2**40)
"""The window of a cap that has no period, in seconds."""


class Cap(Struct, frozen=True, kw_only=True):
    """At most `most` of `unit` in each `period`, or ever, at one level.

    That of a MAD has its `name`; that of a tenant has one, or is each one's but those of `but`. `most` is in what is
    counted, `written` is how the configuration says it.
    """

    level: Level
    name: str = ""
    but: tuple[str, ...] = ()
    unit: Unit
    most: int
    period: Period | None
    written: str

    @property
    def title(self) -> str:
        """What it says, in words: `mad scribe: 2 USD/day`, `each conversation: 1 USD`."""
        if self.level == "system":
            return f"system: {self.written}"
        return f"{self.level} {self.name}: {self.written}" if self.name else f"each {self.level}: {self.written}"

    def counts_as(self, other: Cap) -> bool:
        """Return whether both count the same, of the same, in the same time: only how much there may be differs."""
        return replace(self, most=0, written="") == replace(other, most=0, written="")

    def of(self, amount: Amount) -> int:
        """Return how much `amount` is of what it counts."""
        return OF[self.unit](amount)

    def window(self, at_us: int) -> Window:
        """Return the window in which that time lies."""
        return ALWAYS if self.period is None else window_at(self.period, at_us / MICRO)

    def whose(self, line: Line) -> Iterator[Whose]:
        """Yield what `line` counts towards: nothing, or one sum."""
        name, tenant = self.named(line)
        if name is not None:
            window = self.window(line.at_us)
            since, until = round(window.begins * MICRO), round(window.ends * MICRO)
            yield Whose(by=self.level, since_us=since, until_us=until, tenant=tenant, name=name)

    def named(self, line: Line) -> tuple[str | None, str | None]:
        """Return whose `line` is at this level, if anybody's, and of which tenant that is, if of one."""
        match self.level:
            case "system":
                return "", None
            case "tenant":
                mine = line.tenant == self.name if self.name else line.tenant not in self.but
                return line.tenant if mine else None, line.tenant
            case "mad":
                return self.name if self.name in line.chain else None, None
            case "conversation":
                return line.conversation or None, line.tenant
            case "call":
                return line.trace or None, line.tenant


def said(counted: int, unit: Unit) -> str:
    """Return so much of what `unit` counts as a person reads it: `0.25 USD`, `1,200 tokens`."""
    number = f"{Decimal(counted) / FRACTIONS[unit]:,f}"
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"
