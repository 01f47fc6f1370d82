"""What every store of the record must do: run each of `CHECKS` on an empty store of yours, then `keeps_a_list`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.store.record.port import Batch, Query, Record
from mads.wire.record import HASHED, Decision, Entry, address

Open = Callable[[], AbstractAsyncContextManager[Record]]
Check = Callable[[Record], Awaitable[None]]

ENTRY = Entry(
    kind="call",
    id="c-2",
    cause="c-1",
    subject="mads.tree.grow",
    mad="tree",
    version="0123456789ab",
    place="here",
    principal="ana",
    tenant="acme",
    conversation="talk",
    trace="t" * 32,
    span="s" * 16,
    parent="p" * 16,
    at_us=1_000_000,
    waited_us=3,
    took_us=7,
    attempt=2,
    key="k",
    outcome="denied",
    why="no",
    cost=5,
    notes="as agreed",
    asked=b"\xc0",
    chain=("gardener", "tree"),
    decisions=(Decision("access", allowed=False, rule="never"),),
)


async def keep(record: Record, *entries: Entry, **bodies: bytes) -> None:
    await record.add(lambda: Batch(entries, {address(body): body for body in bodies.values()}))


async def an_entry_comes_back_as_it_was_given(record: Record) -> None:
    plain = Entry(kind="timer", id="c-3", subject="timer.tree.tick", principal="tree", tenant="", at_us=0, outcome="ok")
    await keep(record, ENTRY, plain)
    assert await record.entries(Query()) == [replace(ENTRY, seq=1), replace(plain, seq=2)]


async def entries_are_numbered_in_the_order_in_which_they_are_added(record: Record) -> None:
    for batch in range(3):
        await keep(record, *(replace(ENTRY, id=f"{batch}.{place}") for place in range(4)))
    found = await record.entries(Query())
    assert [(entry.seq, entry.id) for entry in found] == [
        (4 * batch + place + 1, f"{batch}.{place}") for batch in range(3) for place in range(4)
    ]


async def a_batch_is_kept_as_a_whole_or_not_at_all(record: Record) -> None:
    def broken() -> Batch:
        raise ValueError("no batch")

    with pytest.raises(ValueError, match="no batch"):
        await record.add(broken)
    await keep(record, ENTRY)
    assert [entry.seq for entry in await record.entries(Query())] == [1]


async def a_query_asks_for_all_that_it_says(record: Record) -> None:
    other = replace(ENTRY, trace="u" * 32, id="c-9", tenant="globex", conversation=None, at_us=2_000_000)
    await keep(record, ENTRY, other, replace(ENTRY, at_us=3_000_000))
    asked: list[tuple[dict[str, Any], list[int]]] = [
        ({"trace": "t" * 32}, [1, 3]),
        ({"id": "c-9"}, [2]),
        ({"tenant": "globex"}, [2]),
        ({"tenant": "globex", "trace": "t" * 32}, []),
        ({"conversation": "talk"}, [1, 3]),
        ({"since": 2_000_000}, [2, 3]),
        ({"until": 2_000_000}, [1]),
        ({"trace": "t" * 32, "since": 2_000_000}, [3]),
        ({"after": 1}, [2, 3]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "newest": True}, [2, 3]),
        ({"conversation": "another"}, []),
    ]
    for query, expected in asked:
        assert [entry.seq for entry in await record.entries(Query(**query))] == expected


async def a_body_is_found_at_its_address(record: Record) -> None:
    long, again = b"x" * HASHED, b"y" * 100_000
    await keep(record, ENTRY, long=long, again=again)
    await keep(record, ENTRY, long=long)
    assert [await record.body(address(body)) for body in (long, again, b"short")] == [long, again, b"short"]
    assert await record.body(address(b"z" * HASHED)) is None
    assert await record.body(b"") is None


CHECKS: tuple[Check, ...] = (
    an_entry_comes_back_as_it_was_given,
    entries_are_numbered_in_the_order_in_which_they_are_added,
    a_batch_is_kept_as_a_whole_or_not_at_all,
    a_query_asks_for_all_that_it_says,
    a_body_is_found_at_its_address,
)

_words = st.text(st.characters(codec="utf-8"), max_size=12)
_counts = st.integers(0, 2**53)
_entries = st.builds(
    Entry,
    kind=st.sampled_from(["call", "event", "timer", "command", "prose", "model", "refused"]),
    id=_words,
    cause=st.none() | _words,
    subject=_words,
    principal=_words,
    tenant=_words,
    conversation=st.none() | _words,
    trace=_words,
    at_us=_counts,
    took_us=_counts,
    key=st.none() | _words,
    outcome=_words,
    why=_words,
    cost=_counts,
    notes=st.none() | _words,
    asked=st.binary(max_size=HASHED),
    chain=st.lists(_words, max_size=3).map(tuple),
    decisions=st.lists(st.builds(Decision, _words, st.booleans(), _words), max_size=2).map(tuple),
)


def keeps_a_list(open_record: Open) -> None:
    """Add random entries with random bodies in random batches; all must come back. Runs its own loop."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.lists(st.tuples(_entries, st.binary(max_size=64)), max_size=5), max_size=5))
    def keeps(batches: list[list[tuple[Entry, bytes]]]) -> None:
        asyncio.run(_keeps(open_record, batches))

    keeps()


async def _keeps(open_record: Open, batches: list[list[tuple[Entry, bytes]]]) -> None:
    async with open_record() as record:
        for batch in batches:
            make = partial(Batch, [entry for entry, _ in batch], {address(body): body for _, body in batch})
            assert await record.add(make) == len(batch)
        plain = [entry for batch in batches for entry, _ in batch]
        assert await record.entries(Query()) == [replace(entry, seq=seq) for seq, entry in enumerate(plain, 1)]
        for body in (body for batch in batches for _, body in batch):
            assert await record.body(address(body)) == (body or None)
