"""The port that every store of the ledger fills, and what it promises.

* What a method has returned from is on disk: no crash undoes it.
* A reservation is settled once, by the MAD that holds it; until then it stands, after a crash too.
* Ids count up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from mads.wire.ledger import Amount

State = Literal["reserved", "spent", "released"]


class Line(Struct, frozen=True, kw_only=True):
    """One line: `holder` reserved for what `payer`, the MAD or the principal that asked, wants `what` for.

    `amount` is what is spent, or what may be at most as long as it is reserved. `at_us` is in microseconds since 1970.
    """

    id: int = 0
    at_us: int
    tenant: str
    holder: str
    payer: str
    conversation: str = ""
    what: str
    state: State = "reserved"
    amount: Amount


class Bookings(Protocol):
    """A store of lines."""

    async def reserve(self, line: Line) -> int:
        """Keep a reservation; return its id."""
        ...

    async def settle(self, id_: int, holder: str, state: State, amount: Amount) -> bool:
        """Settle what `holder` reserved; return whether there was such a reservation."""
        ...

    async def lines(self, *, state: State | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return the first `limit` lines after the id `after`, in order; of one state where that is given."""
        ...
