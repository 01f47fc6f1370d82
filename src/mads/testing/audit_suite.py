"""What every store of the audit must hold: `CHECKS`, each of which gets an empty store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from mads.store.audit.port import Audit, Event, Head, Which

Check = Callable[[Audit], Awaitable[None]]
"""A promise as a test."""

EVENT = Event(
    at=1_800_000_000_000_000,
    kind="call",
    principal="ana",
    tenant="acme",
    chain="desk.shop",
    subject="mads.bank.rob",
    allowed=False,
    rule="naïve ✓",
    revision=3,
    request="r-1",
    trace="t-1",
)
OTHER = replace(EVENT, principal="bo", tenant="globex", allowed=True, request="r-2", trace="t-2")


async def rows_are_numbered_without_a_gap_and_stay_as_they_were_given(audit: Audit) -> None:
    assert await audit.head() == Head()
    assert (await audit.add((EVENT, OTHER))).seq == 2
    head = await audit.add((EVENT,))
    rows = await audit.last(Which(), 10)
    assert [(row.seq, row.event) for row in rows] == [(1, EVENT), (2, OTHER), (3, EVENT)]
    assert head == Head(3, rows[-1].hash) == await audit.head()
    assert len({row.hash for row in rows}) == 3
    assert list(await audit.verify(head)) == []


async def what_is_added_at_once_is_all_bound(audit: Audit) -> None:
    await asyncio.gather(*(audit.add((EVENT, OTHER)) for _ in range(50)))
    head = await audit.head()
    assert head.seq == 100
    assert list(await audit.verify(head)) == []


async def the_last_of_those_that_are_wanted_are_told(audit: Audit) -> None:
    await audit.add((EVENT, OTHER, EVENT, EVENT))
    for which, seqs in (
        (Which(tenant="acme"), [3, 4]),
        (Which(principal="bo"), [2]),
        (Which(request="r-2"), [2]),
        (Which(trace="t-1"), [3, 4]),
        (Which(denied=True), [3, 4]),
        (Which(tenant="acme", principal="bo"), []),
    ):
        assert [row.seq for row in await audit.last(which, 2)] == seqs, which


async def rows_that_have_to_be_there_are_missed(audit: Audit) -> None:
    head = await audit.add((EVENT, OTHER))
    assert list(await audit.verify(Head(4, head.hash))) == ["the rows from 3 to 4 at the end are missing"]
    assert list(await audit.verify(Head(2, bytes(32)))) == ["row 2 is not the one that was noted as the last"]


async def what_somebody_accepted_is_still_told_but_no_doubt_any_more(audit: Audit) -> None:
    await audit.add((EVENT,))
    head = Head(3, bytes(32))
    assert list(await audit.verify(head, latest=100)) == ["the rows from 2 to 3 at the end are missing"]
    head = await audit.add((replace(EVENT, kind="audit", rule="seen"), OTHER))
    assert list(await audit.verify(head)) == ["row 2 says: seen"]
    assert list(await audit.verify(head, latest=100)) == []
    assert list(await audit.verify(head, latest=1)) == []


async def rows_go_by_age_and_those_behind_are_verified_as_before(audit: Audit) -> None:
    old = replace(EVENT, at=1_000)
    await audit.add((*[old] * 700, OTHER, old, OTHER))
    head, steps = await audit.head(), 0
    assert await audit.cut(1_000) is None
    while (last := await audit.cut(2_000)) is not None:
        assert list(await audit.verify(last)) == []
        head, steps = last, steps + 1
    assert steps > 1
    rows = await audit.last(Which(), 10)
    assert [row.seq for row in rows] == [701, 702, 703, 704]
    assert (rows[-1].event.kind, head.seq) == ("cut", 704)
    assert list(await audit.verify(Head(1, bytes(32)))) == []
    assert list(await audit.verify(head, latest=2)) == []
    await audit.add((OTHER,))
    assert list(await audit.verify(head)) == []


CHECKS: tuple[Check, ...] = (
    rows_are_numbered_without_a_gap_and_stay_as_they_were_given,
    what_is_added_at_once_is_all_bound,
    the_last_of_those_that_are_wanted_are_told,
    rows_that_have_to_be_there_are_missed,
    what_somebody_accepted_is_still_told_but_no_doubt_any_more,
    rows_go_by_age_and_those_behind_are_verified_as_before,
)
