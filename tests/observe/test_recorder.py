"""The recorder loses no row while the store writes, and holds up nobody while it does not.

Covers order, batches, back-pressure, a store that fails, one that hangs, and rows that no store can take. Does not
cover the store: tests/conformance/test_record.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest
from msgspec import Raw

from mads.observe import recorder as bounds
from mads.observe.recorder import Recorder
from mads.observe.span import Span
from mads.store.record.memory import MemoryRecord
from mads.store.record.port import Batch, Query
from mads.wire.call import Call, Identity, Reply
from mads.wire.errors import StoreError

COVERS = ("R-055",)


class Store(MemoryRecord):
    """A store that writes while `open` is set, fails while `broken`, and takes no entry whose id is `poison`."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.batches: list[int] = []

    async def add(self, make: Callable[[], Batch]) -> int:
        """Keep a batch, or not."""
        await self.open.wait()
        batch = make()
        if self.broken:
            raise StoreError("the disk is full; make room and try again")
        if any(entry.id == "poison" for entry in batch.entries):
            raise ValueError("no store takes this")
        self.batches.append(len(batch.entries))
        return await super().add(lambda: batch)


def span(id_: str, body: Raw | None = None) -> Span:
    call = Call(subject="mads.a.b", body=body, id=id_, deadline=1.0, identity=Identity("ana"))
    return Span(None, call, Reply(), 0.0, 0.0)


async def written(store: Store) -> list[str]:
    return [entry.id for entry in await store.entries(Query(limit=10**6))]


def take(recorder: Recorder, ids: Iterable[int | str]) -> list[str]:
    """Hand over spans; return their ids."""
    taken = [str(id_) for id_ in ids]
    for id_ in taken:
        recorder.take(span(id_))
    return taken


async def until_trouble(recorder: Recorder) -> None:
    async with asyncio.timeout(5):
        while not recorder.trouble:
            await asyncio.sleep(0.01)


async def test_what_is_taken_is_written_in_order_and_in_batches() -> None:
    recorder, store = Recorder(), Store()
    recorder.start(store)
    taken = take(recorder, range(1234))
    await recorder.flush()
    assert await written(store) == taken
    assert max(store.batches) <= bounds.BATCH
    taken += take(recorder, ["late"])
    await recorder.close()
    assert await written(store) == taken
    assert (recorder.left_out, recorder.trouble) == (0, "")


async def test_where_too_many_wait_callers_wait_and_nothing_is_left_out() -> None:
    recorder, store = Recorder(), Store()
    store.open.clear()
    recorder.start(store)
    taken = take(recorder, range(bounds.MOST))
    assert recorder.is_full
    waiting = asyncio.create_task(recorder.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    store.open.set()
    await waiting
    await recorder.close()
    assert await written(store) == taken
    assert recorder.left_out == 0


async def test_what_weighs_too_much_counts_as_too_many() -> None:
    recorder, store = Recorder(), Store()
    store.open.clear()
    recorder.start(store)
    recorder.take(span("heavy", Raw(b"\xc6" + bytes(bounds.MOST_BYTES))))
    assert recorder.is_full
    store.open.set()
    await recorder.close()
    assert not recorder.is_full


@pytest.mark.slow
async def test_a_store_that_hangs_holds_up_a_caller_for_a_moment_only() -> None:
    recorder, store = Recorder(), Store()
    store.open.clear()
    recorder.start(store)
    take(recorder, range(bounds.MOST))
    async with asyncio.timeout(10 * bounds.PATIENCE):
        await recorder.room()
    assert recorder.trouble == "the store is slow"
    store.open.set()
    await recorder.flush()
    await recorder.close()


@pytest.mark.slow
async def test_a_store_that_fails_holds_up_nobody_and_what_has_no_room_is_counted() -> None:
    recorder, store = Recorder(), Store()
    store.broken = True
    recorder.start(store)
    taken = take(recorder, range(100))
    await until_trouble(recorder)
    assert "make room" in recorder.trouble
    taken += take(recorder, range(100, 2 * bounds.MOST))
    await recorder.room()
    assert recorder.left_out > 0
    store.broken = False
    async with asyncio.timeout(10):
        while recorder.waiting:
            await asyncio.sleep(0.01)
    assert recorder.trouble == ""
    found = await written(store)
    assert found == taken[: len(found)]
    assert len(found) + recorder.left_out == len(taken)
    await recorder.close()


async def test_one_that_no_store_takes_is_left_out_alone() -> None:
    recorder, store = Recorder(), Store()
    recorder.start(store)
    taken = take(recorder, [*range(20), "poison", *range(20, 40)])
    await recorder.close()
    assert await written(store) == [id_ for id_ in taken if id_ != "poison"]
    assert recorder.left_out == 1


async def test_a_store_that_fails_at_the_end_does_not_hold_up_the_end() -> None:
    recorder, store = Recorder(), Store()
    store.broken = True
    recorder.start(store)
    take(recorder, range(3))
    async with asyncio.timeout(2 * bounds.GRACE):
        await recorder.close()
    assert recorder.left_out == 3
