"""The port that every store of quotas fills, and what it promises.

* What a method has returned from is on disk: no crash undoes it. What raised has changed nothing.
* Whatever is debited at once, a counter never goes above the `most` that any of them named, nor below 0.
* A store has no clock: what has ended is forgotten when the caller says when that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Account(Struct, frozen=True):
    """Whose calls are counted, by which rule, in which window, which `ends` so many milliseconds after 1970.

    `tenant` is empty where several share the counter; `subject` is whatever else tells it from others of the rule.
    """

    rule: str
    tenant: str
    subject: str
    window: str
    ends: int


class Quotas(Protocol):
    """A store of counters, each 0 until it is debited."""

    async def debit(self, account: Account, amount: int, *, most: int) -> int:
        """Count up to `amount` more, but to `most` in all; return how many that were."""
        ...

    async def credit(self, rests: Sequence[tuple[Account, int]]) -> None:
        """Give back what was debited and not used."""

    async def used(self, now: int) -> Sequence[tuple[Account, int]]:
        """Return every counter that has not ended by `now`, in a fixed order, and how much it counts."""
        ...

    async def forget(self, before: int) -> None:
        """Forget the counters that ended before then."""
