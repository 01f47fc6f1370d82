"""What every store of kept rows must hold: `CHECKS`, each of which gets an empty store, and `follows_a_plain_list`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from mads.store.port import KeptRows, Row, Scope, weight
from mads.wire.errors import MadsError

Check = Callable[[KeptRows], Awaitable[None]]
"""A promise as a test."""

Open = Callable[[], AbstractAsyncContextManager[KeptRows]]
"""Opens an empty store."""

NOTES = Scope(tenant="acme", mad="scribe", field="notes", type="scribe.Note.v1")


async def what_is_added_is_read_oldest_first(rows: KeptRows) -> None:
    bodies = [b"", b"\x00\xff", b"three" * 1000, b"three" * 1000]
    ids = [await rows.add(NOTES, body) for body in bodies]
    assert ids == sorted(set(ids))
    assert await rows.rows(NOTES) == list(zip(ids, bodies, strict=True))


async def what_is_added_at_once_is_all_there(rows: KeptRows) -> None:
    bodies = [b"%d" % number for number in range(100)]
    ids = await asyncio.gather(*(rows.add(NOTES, body) for body in bodies))
    assert dict(await rows.rows(NOTES)) == dict(zip(ids, bodies, strict=True))


async def a_field_is_one_tenants_in_one_mad(rows: KeptRows) -> None:
    row = await rows.add(NOTES, b"mine")
    for change in ({"tenant": "umbrella"}, {"mad": "herald"}, {"field": "drafts"}):
        other = msgspec.structs.replace(NOTES, **change)
        assert await rows.rows(other) == []
        assert await rows.remove(other, [row]) == 0
    assert await rows.rows(NOTES) == [(row, b"mine")]


async def only_the_named_rows_are_removed_and_counted_once(rows: KeptRows) -> None:
    first, second, third = [await rows.add(NOTES, b"") for _ in range(3)]
    assert await rows.remove(NOTES, []) == 0
    assert await rows.remove(NOTES, [third, first, first, third + 1]) == 2
    assert await rows.remove(NOTES, [first]) == 0
    assert await rows.rows(NOTES) == [(second, b"")]


async def an_id_is_never_given_twice(rows: KeptRows) -> None:
    gone = await rows.add(NOTES, b"first")
    await rows.remove(NOTES, [gone])
    assert await rows.add(NOTES, b"second") > gone


async def a_field_keeps_one_type_at_a_time(rows: KeptRows) -> None:
    row = await rows.add(NOTES, b"old")
    newer = msgspec.structs.replace(NOTES, type="scribe.Note.v2")
    for refused in (rows.add(newer, b"new"), rows.rows(newer)):
        said = await _refusal(refused)
        assert "scribe.notes" in said
        assert "scribe.Note.v1" in said
        assert "scribe.Note.v2" in said
    assert await rows.remove(newer, [row]) == 0
    assert await rows.rows(NOTES) == [(row, b"old")]
    await rows.remove(NOTES, [row])
    row = await rows.add(newer, b"new")
    assert await rows.rows(newer) == [(row, b"new")]


async def parts_of_a_given_size_make_up_the_whole(rows: KeptRows) -> None:
    for length in (0, 10, 10_000, 20, 30, 5_000):
        await rows.add(NOTES, bytes(length))
    found: list[Row] = []
    while part := await rows.rows(NOTES, after=found[-1][0] if found else 0, size=5_000):
        assert _weigh(part[:-1]) < 5_000
        found += part
    assert found == await rows.rows(NOTES)


async def a_part_ends_with_the_row_that_fills_it(rows: KeptRows) -> None:
    kept = [(await rows.add(NOTES, body), body) for body in (b"first", b"second", b"third")]
    for count in (1, 2):
        assert await rows.rows(NOTES, size=_weigh(kept[:count])) == kept[:count]
        assert await rows.rows(NOTES, size=_weigh(kept[:count]) + 1) == kept[: count + 1]
    assert await rows.rows(NOTES, size=0) == kept[:1]


async def a_store_may_be_closed_twice(rows: KeptRows) -> None:
    await rows.close()
    await rows.close()


CHECKS: tuple[Check, ...] = (
    what_is_added_is_read_oldest_first,
    what_is_added_at_once_is_all_there,
    a_field_is_one_tenants_in_one_mad,
    only_the_named_rows_are_removed_and_counted_once,
    an_id_is_never_given_twice,
    a_field_keeps_one_type_at_a_time,
    parts_of_a_given_size_make_up_the_whole,
    a_part_ends_with_the_row_that_fills_it,
    a_store_may_be_closed_twice,
)


def follows_a_plain_list(open_rows: Open) -> None:
    """Take a store and a list of rows through the same random steps; they must say the same. Runs its own loop."""

    class Twins(_Twins):
        def __init__(self) -> None:
            super().__init__(open_rows)

    run_state_machine_as_test(Twins, settings=settings(max_examples=20, stateful_step_count=20, deadline=None))


class _Twins(RuleBasedStateMachine):
    """A store, and the list of rows that it must look like."""

    scopes = st.builds(
        Scope,
        tenant=st.sampled_from(["acme", "umbrella"]),
        mad=st.just("scribe"),
        field=st.sampled_from(["notes", "drafts"]),
        type=st.sampled_from(["Note.v1", "Note.v1", "Note.v2"]),
    )
    ids = st.integers(0, 20)

    def __init__(self, open_rows: Open) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = open_rows()
        self.rows = self.runner.run(self.opened.__aenter__())
        self.list: list[tuple[Scope, Row]] = []

    def teardown(self) -> None:
        """Close the store."""
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @rule(scope=scopes, body=st.binary(max_size=30))
    def add(self, scope: Scope, body: bytes) -> None:
        """Keep a row, where the field has none of another type."""
        if self.is_of_another_type(scope):
            self.runner.run(_refusal(self.rows.add(scope, body)))
        else:
            self.list.append((scope, (self.runner.run(self.rows.add(scope, body)), body)))

    @rule(scope=scopes, after=ids, size=st.none() | st.integers(0, 100))
    def read(self, scope: Scope, after: int, size: int | None) -> None:
        """Read rows, all or as many as weigh `size`."""
        if self.is_of_another_type(scope):
            self.runner.run(_refusal(self.rows.rows(scope)))
            return
        expected: list[Row] = []
        for owner, row in self.list:
            if owner == scope and row[0] > after and (size is None or not expected or _weigh(expected) < size):
                expected.append(row)
        assert self.runner.run(self.rows.rows(scope, after=after, size=size)) == expected

    @rule(scope=scopes, ids=st.lists(ids))
    def remove(self, scope: Scope, ids: list[int]) -> None:
        """Forget rows."""
        left = [(owner, row) for owner, row in self.list if owner != scope or row[0] not in ids]
        assert self.runner.run(self.rows.remove(scope, ids)) == len(self.list) - len(left)
        self.list = left

    def is_of_another_type(self, scope: Scope) -> bool:
        """Return whether the field of `scope` keeps another type."""
        return any(
            owner != scope and msgspec.structs.replace(owner, type=scope.type) == scope for owner, _ in self.list
        )


async def _refusal(refused: Awaitable[object]) -> str:
    """Return what the refusal says."""
    try:
        await refused
    except MadsError as error:
        return str(error)
    raise AssertionError("it was not refused")


def _weigh(rows: Sequence[Row]) -> int:
    return sum(weight(body) for _, body in rows)
