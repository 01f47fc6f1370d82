"""What every store of quotas must hold: `CHECKS`, each of which gets an empty store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from mads.store.quotas.port import Account, Quotas

Check = Callable[[Quotas], Awaitable[None]]
"""A promise as a test."""

ENDS = 1_800_000_000_000
ANA = Account("each principal, mad scribe", "acme", "principal ana", "2027-01-15", ENDS)
OTHERS = (
    replace(ANA, rule="each principal"),
    replace(ANA, tenant=""),
    replace(ANA, subject="principal naïve ✓"),
    replace(ANA, window="2027-01-16", ends=ENDS + 1),
)


async def what_is_debited_stays_counted(quotas: Quotas) -> None:
    assert [await quotas.debit(ANA, 4, most=10) for _ in range(4)] == [4, 4, 2, 0]
    assert list(await quotas.used(0)) == [(ANA, 10)]


async def a_counter_is_nobody_elses(quotas: Quotas) -> None:
    for at, counter in enumerate((ANA, *OTHERS), 1):
        assert await quotas.debit(counter, at, most=100) == at
    assert dict(await quotas.used(0)) == {counter: at for at, counter in enumerate((ANA, *OTHERS), 1)}


async def a_quota_that_shrinks_or_grows_counts_from_what_was_used(quotas: Quotas) -> None:
    assert await quotas.debit(ANA, 8, most=10) == 8
    assert await quotas.debit(ANA, 8, most=5) == 0
    assert await quotas.debit(ANA, 8, most=20) == 8
    assert list(await quotas.used(0)) == [(ANA, 16)]


async def what_is_given_back_can_be_used_again_and_no_more(quotas: Quotas) -> None:
    assert await quotas.debit(ANA, 10, most=10) == 10
    await quotas.credit([(ANA, 3), (OTHERS[0], 5)])
    assert await quotas.debit(ANA, 10, most=10) == 3
    assert await quotas.debit(OTHERS[0], 10, most=10) == 10
    await quotas.credit([(ANA, 99)])
    assert await quotas.debit(ANA, 99, most=10) == 10


async def what_is_debited_at_once_is_never_too_much(quotas: Quotas) -> None:
    granted = await asyncio.gather(*(quotas.debit(ANA, 7, most=100) for _ in range(50)))
    assert sum(granted) == 100


async def what_has_ended_is_not_told_and_forgotten_when_it_is_time(quotas: Quotas) -> None:
    await quotas.debit(ANA, 1, most=9)
    await quotas.debit(OTHERS[3], 2, most=9)
    assert list(await quotas.used(ENDS)) == [(OTHERS[3], 2)]
    await quotas.forget(ENDS)
    assert list(await quotas.used(0)) == [(ANA, 1), (OTHERS[3], 2)]
    await quotas.forget(ENDS + 1)
    assert list(await quotas.used(0)) == [(OTHERS[3], 2)]
    assert await quotas.debit(ANA, 9, most=9) == 9


CHECKS: tuple[Check, ...] = (
    what_is_debited_stays_counted,
    a_counter_is_nobody_elses,
    a_quota_that_shrinks_or_grows_counts_from_what_was_used,
    what_is_given_back_can_be_used_again_and_no_more,
    what_is_debited_at_once_is_never_too_much,
    what_has_ended_is_not_told_and_forgotten_when_it_is_time,
)
