"""A double for `Ledger`: a book that can be read."""
# ruff: noqa: N801  it is used as a verb, like contextlib.closing

from __future__ import annotations

from mads.wire.errors import InvalidMessage
from mads.wire.ledger import Amount, Recent


class booking:
    """A `Ledger` that takes all: `reserved` is what stands, `spent` what was settled, by reservation."""

    def __init__(self) -> None:
        self.reserved: dict[int, Amount] = {}
        self.spent: dict[int, Amount] = {}
        self._count = 0

    async def reserve(self, what: str, most: Amount, *, within: float = 0.0) -> int:
        """Write down a reservation."""
        del what, within
        self._count += 1
        self.reserved[self._count] = most
        return self._count

    async def commit(self, reservation: int, spent: Amount) -> None:
        """Settle it."""
        if self.reserved.pop(reservation, None) is None:
            raise InvalidMessage(f"there is no open reservation {reservation}; settle each once")
        self.spent[reservation] = spent

    async def recent(self, seconds: float) -> list[Recent]:
        """Return nothing: this book begins with the test."""
        del seconds
        return []

    async def release(self, reservation: int) -> None:
        """Settle it with nothing."""
        await self.commit(reservation, Amount(calls=0))
