"""The port that every store of the ledger fills, and what it promises.

* What a method has returned from is on disk: no crash undoes it.
* A reservation is settled once; until then it stands, after a crash too. One that is disputed may be settled once more,
  by hand.
* Ids count up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from mads.wire.ledger import Amount, By, Reported, Sum
from mads.wire.model import Usage

State = Literal["reserved", "spent", "released"]

Kind = Literal["reserved", "open"]
"""Which lines are asked for: those that are reserved; those, and the disputed ones."""

LAST = 2**63 - 1
"""An id that is larger than all."""


class Line(Struct, frozen=True, kw_only=True):
    """One line: `holder` reserved for what `payer`, the MAD or the principal that asked, wants `what` for.

    `amount` is what is spent, or what may be at most as long as it is reserved; where `reported` is there, the line is
    disputed. `chain` are the MADs through which it was asked, each once, the first of them first. `at_us` is in
    microseconds since 1970.
    """

    id: int = 0
    at_us: int
    tenant: str
    holder: str
    payer: str
    chain: tuple[str, ...] = ()
    conversation: str = ""
    trace: str = ""
    what: str
    state: State = "reserved"
    amount: Amount
    reported: Reported | None = None


class Whose(Struct, frozen=True, kw_only=True):
    """Which lines are summed: those from `since_us` until before `until_us`, of one tenant, of one `name`."""

    by: By
    since_us: int = 0
    until_us: int = 2**62
    tenant: str | None = None
    name: str | None = None


class Bookings(Protocol):
    """A store of lines."""

    async def reserve(self, line: Line) -> int:
        """Keep a reservation; return its id."""
        ...

    async def settle(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> Line | None:
        """Settle what `holder` reserved; return it as it was, None where there is none open.

        Without a holder it is whoever's, and may be disputed; where it is settled with what is `reported`, it is.
        """
        ...

    async def doubt(self, id_: int, holder: str, known: Amount) -> Line | None:
        """Make a disputed line of what is `known` of what `holder` reserved, and leave the rest; else as above."""
        ...

    async def lines(self, *, of: Kind | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return the first `limit` lines after the id `after`, in order; only those that are reserved, or open."""
        ...

    async def latest(self, *, holder: str = "", before: int = LAST, limit: int = 1000) -> Sequence[Line]:
        """Return the last `limit` lines before the id `before`, newest first; of one holder where that is given."""
        ...

    async def sums(self, whose: Whose, limit: int = 1000) -> Sequence[Sum]:
        """Return what was spent and is reserved, those first who spend most."""
        ...


def remaining(most: Amount, known: Amount) -> Amount:
    """Return what is left of a reservation once it is `known` what part of it is spent."""
    kinds = (max(0, getattr(most.usage, it) - getattr(known.usage, it)) for it in Usage.__struct_fields__)
    return Amount(
        max(0, most.micro_usd - known.micro_usd),
        Usage(*kinds),
        max(0, most.calls - known.calls),
        max(0, most.ms - known.ms),
    )
