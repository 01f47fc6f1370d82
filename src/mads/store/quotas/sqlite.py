"""Quotas in a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence

from mads.store.database import Database
from mads.store.quotas.port import Account
from mads.store.sqlite import Connection

_USED = "SELECT used FROM quotas WHERE rule = ? AND tenant = ? AND subject = ? AND window = ?"
_COUNT = """
    INSERT INTO quotas (rule, tenant, subject, window, ends, used) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (rule, tenant, subject, window) DO UPDATE SET used = excluded.used
"""
_CREDIT = """
    UPDATE quotas SET used = max(0, used - ?) WHERE rule = ? AND tenant = ? AND subject = ? AND window = ?
"""
_ALL = """
    SELECT rule, tenant, subject, window, ends, used FROM quotas WHERE ends > ? ORDER BY rule, tenant, subject, window
"""
_FORGET = "DELETE FROM quotas WHERE ends < ?"


class SqliteQuotas:
    """Counts in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def debit(self, account: Account, amount: int, *, most: int) -> int:
        """Count up to `amount` more, but to `most` in all; return how many that were."""
        key = _key(account)

        def work(connection: Connection) -> int:
            found = connection.execute(_USED, key).fetchall()
            used: int = found[0][0] if found else 0
            granted = max(0, min(amount, most - used))
            if granted:
                connection.execute(_COUNT, (*key, account.ends, used + granted))
            return granted

        return await self._database.write(work)

    async def credit(self, rests: Sequence[tuple[Account, int]]) -> None:
        """Give back what was debited and not used."""

        def work(connection: Connection) -> None:
            for account, left in rests:
                connection.execute(_CREDIT, (left, *_key(account)))

        await self._database.write(work)

    async def used(self, now: int) -> Sequence[tuple[Account, int]]:
        """Return every counter that has not ended by `now`, in a fixed order, and how much it counts."""
        found = await self._database.read(lambda connection: connection.execute(_ALL, (now,)).fetchall())
        return [(Account(*row[:-1]), row[-1]) for row in found]

    async def forget(self, before: int) -> None:
        """Forget the counters that ended before then."""
        await self._database.write(lambda connection: connection.execute(_FORGET, (before,)))


def _key(account: Account) -> tuple[str, str, str, str]:
    return account.rule, account.tenant, account.subject, account.window
