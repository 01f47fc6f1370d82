"""What calls cost while they are handled: what the ledger books in their trace, for the version that handles them."""

from __future__ import annotations

from collections.abc import Collection


class Costs:
    """What was booked, by trace and MAD, for as long as a call of that trace is handled by that MAD."""

    def __init__(self) -> None:
        self._booked: dict[tuple[str, str], int] = {}
        self._open: dict[tuple[str, str], int] = {}

    def book(self, trace: str, chain: Collection[str], cost: int) -> None:
        """Add what was spent in a trace by the last of a chain of MADs, in millionths."""
        for mad in chain:
            if (trace, mad) in self._open:
                self._booked[trace, mad] += cost

    def begin(self, trace: str, mad: str) -> int:
        """Begin to count, until the `end`, to which what is returned is given.

        What is handled at once by one MAD in one trace has the bookings of each.
        """
        key = (trace, mad)
        self._open[key] = self._open.get(key, 0) + 1
        return self._booked.setdefault(key, 0)

    def end(self, trace: str, mad: str, before: int) -> int:
        """Return what was booked since it began."""
        key = (trace, mad)
        cost = self._booked[key] - before
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key], self._booked[key]
        return cost
