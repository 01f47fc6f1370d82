"""The port that every store of the ledger fills, and what it promises.

* What a method has returned from is on disk: no crash undoes it.
* A reservation is settled once; until then it stands, after a crash too.
* Ids count up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from mads.wire.ledger import Amount, By, Sum

State = Literal["reserved", "spent", "released"]

LAST = 2**63 - 1
"""An id that is larger than all."""


class Line(Struct, frozen=True, kw_only=True):
    """One line: `holder` reserved for what `payer`, the MAD or the principal that asked, wants `what` for.

    `amount` is what is spent, or what may be at most as long as it is reserved. `chain` are the MADs through which it
    was asked, each once, the first of them first. `at_us` is in microseconds since 1970.
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

    async def settle(self, id_: int, holder: str | None, state: State, amount: Amount) -> Line | None:
        """Settle what `holder` reserved, or whoever did; return it as it was, None where there is none open."""
        ...

    async def lines(self, *, state: State | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return the first `limit` lines after the id `after`, in order; of one state where that is given."""
        ...

    async def latest(self, *, holder: str = "", before: int = LAST, limit: int = 1000) -> Sequence[Line]:
        """Return the last `limit` lines before the id `before`, newest first; of one holder where that is given."""
        ...

    async def sums(self, whose: Whose, limit: int = 1000) -> Sequence[Sum]:
        """Return what was spent and is reserved, those first who spend most."""
        ...
