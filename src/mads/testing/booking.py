"""A double for `Ledger`: a book that can be read."""
# ruff: noqa: N801  it is used as a verb, like contextlib.closing

from __future__ import annotations

from mads.wire.errors import InvalidMessage
from mads.wire.ledger import NOTHING, Amount, Recent, Reported


class booking:
    """A `Ledger` that takes all: `reserved` is what stands, `spent` what was settled, by reservation.

    `disputed` is what the provider reported where that was something else, `doubted` the known part of what nobody
    knows.
    """

    def __init__(self) -> None:
        self.reserved: dict[int, Amount] = {}
        self.spent: dict[int, Amount] = {}
        self.disputed: dict[int, Reported] = {}
        self.doubted: dict[int, Amount] = {}
        self._count = 0

    async def reserve(self, what: str, most: Amount, *, within: float = 0.0) -> int:
        """Write down a reservation."""
        del what, within
        self._count += 1
        self.reserved[self._count] = most
        return self._count

    async def commit(self, reservation: int, spent: Amount, reported: Reported | None = None) -> None:
        """Settle it."""
        self._known(reservation)
        del self.reserved[reservation]
        self.spent[reservation] = spent
        if reported is not None:
            self.disputed[reservation] = reported

    async def doubt(self, reservation: int, known: Amount = NOTHING) -> None:
        """Leave it as it is."""
        self._known(reservation)
        self.doubted[reservation] = known

    async def recent(self, seconds: float) -> list[Recent]:
        """Return nothing: this book begins with the test."""
        del seconds
        return []

    async def release(self, reservation: int) -> None:
        """Settle it with nothing."""
        await self.commit(reservation, Amount(calls=0))

    def _known(self, reservation: int) -> None:
        if reservation not in self.reserved:
            raise InvalidMessage(f"there is no open reservation {reservation}; settle each once")
