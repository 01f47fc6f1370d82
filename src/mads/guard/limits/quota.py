"""How many a day or a month: counted on disk before they are used, a lease of several at a time.

So no call costs a commit of its own, and a crash forgets no call: at most the rest of a lease counts as used that was
not. What is left of it when the system ends in order is given back.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from mads.guard.window import Period, Window, window_at
from mads.store.quotas.port import Account, Quotas

PARTS, LARGEST = 50, 1000
"""A lease is this part of a quota, but no more than so many."""


class Amount(Struct, frozen=True):
    """So many calls a day, or a month."""

    most: int
    period: Period

    def __str__(self) -> str:
        """Return it as it is written in a rule."""
        return f"{self.most}/{self.period}"


class Quota:
    """The counter of `amount` for `subject` of `tenant` under `rule`; see `Account`."""

    def __init__(self, amount: Amount, rule: str, tenant: str, subject: str, store: Quotas) -> None:
        self._amount, self._of, self._store = amount, (rule, tenant, subject), store
        self._lease = max(1, min(amount.most // PARTS, LARGEST))
        self._window = Window("", 0, 0)
        self._left, self._is_spent = 0, False
        self._turn = asyncio.Lock()

    def adopt(self, amount: Amount) -> None:
        """Admit as many as `amount` says, of the same period; where that is less, what is leased counts as used."""
        if amount.most < self._amount.most:
            self._left = 0
        self._amount, self._is_spent = amount, False
        self._lease = max(1, min(amount.most // PARTS, LARGEST))

    def is_ready(self, now: float) -> bool:
        """Return whether `wait` knows without looking on disk; `fill` until it does."""
        return self.is_open(now) and (self._left > 0 or self._is_spent)

    def is_open(self, now: float) -> bool:
        """Return whether its window is the one of `now`."""
        return self._window.begins <= now < self._window.ends

    async def fill(self, now: float) -> None:
        """Lease what a next call needs; raise `StoreError` where that cannot be written."""
        async with self._turn:
            if self.is_ready(now):
                return
            if not self.is_open(now):
                self._window, self._left, self._is_spent = window_at(self._amount.period, now), 0, False
            granted = await self._store.debit(self.account, self._lease, most=self._amount.most)
            self._left += granted
            self._is_spent = granted == 0

    def wait(self, now: float) -> float:
        """Return how many seconds it is until one more call is admitted; 0 where that is now. It must be ready."""
        return 0.0 if self._left > 0 else self._window.ends - now

    def take(self) -> None:
        """Use up one call for which there is no `wait`."""
        self._left -= 1

    def rest(self) -> tuple[Account, int]:
        """Return what was leased and not used, and use no more of it."""
        left, self._left = self._left, 0
        return self.account, left

    @property
    def leased(self) -> int:
        """How many calls are counted on disk and not used yet."""
        return self._left

    @property
    def account(self) -> Account:
        """Where it is counted on disk, in the window that it knows."""
        rule, tenant, subject = self._of
        return Account(rule, tenant, subject, self._window.name, round(self._window.ends * 1000))
