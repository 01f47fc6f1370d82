"""Quotas in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

from collections.abc import Sequence

from mads.store.quotas.port import Account


class MemoryQuotas:
    """Counts for as long as it lives."""

    def __init__(self) -> None:
        self._used: dict[Account, int] = {}

    async def debit(self, account: Account, amount: int, *, most: int) -> int:
        """Count up to `amount` more, but to `most` in all; return how many that were."""
        used = self._used.get(account, 0)
        granted = max(0, min(amount, most - used))
        self._used[account] = used + granted
        return granted

    async def credit(self, rests: Sequence[tuple[Account, int]]) -> None:
        """Give back what was debited and not used."""
        for account, left in rests:
            if account in self._used:
                self._used[account] = max(0, self._used[account] - left)

    async def used(self, now: int) -> Sequence[tuple[Account, int]]:
        """Return every counter that has not ended by `now`, in a fixed order, and how much it counts."""
        found = [(account, used) for account, used in self._used.items() if account.ends > now]
        return sorted(found, key=lambda each: (each[0].rule, each[0].tenant, each[0].subject, each[0].window))

    async def forget(self, before: int) -> None:
        """Forget the counters that ended before then."""
        self._used = {account: used for account, used in self._used.items() if account.ends >= before}
