"""The need `Ledger`: what a MAD that spends for others writes down before it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mads.wire.ledger import NOTHING, Amount, Recent, Reported


class Ledger(Protocol):
    """The book of what is spent: reserved before it is, and on disk when each of these returns.

    Who pays is the MAD, or the principal, that made the call being handled, and the conversation that it belongs to.
    What was reserved and never settled stands as spent, after a crash too.
    """

    async def reserve(self, what: str, most: Amount, *, within: float = 0.0) -> int:
        """Reserve what `what` may take at most; return the reservation, or raise `Limited` with the cap in the way.

        Where it would fit but for what others have reserved and may not spend, that is waited for, `within` seconds.
        """
        ...

    async def commit(self, reservation: int, spent: Amount, reported: Reported | None = None) -> None:
        """Settle a reservation with what it came to; raise `InvalidMessage` where this MAD has no such open one.

        Where the provider reports something else, `reported` is that: the line is disputed until it is reconciled.
        """
        ...

    async def release(self, reservation: int) -> None:
        """Settle a reservation of which nothing came; raises as `commit` does."""
        ...

    async def doubt(self, reservation: int, known: Amount = NOTHING) -> None:
        """Say that nobody knows what came of a reservation; raises as `commit` does.

        What is `known` of it is spent, and disputed; the rest stands until somebody reconciles it with the bill.
        """
        ...

    async def recent(self, seconds: float) -> Sequence[Recent]:
        """Return what this MAD reserved in so many seconds, oldest first, whoever paid.

        Of what a run before this one reserved in its last `seconds` nobody can say how long ago that was, for clocks
        may jump: it counts from the start of this run.
        """
        ...
