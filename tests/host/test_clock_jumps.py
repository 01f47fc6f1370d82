"""Turns keep their numbers, and a trace its length, whatever becomes of the clock, over a restart as well.

Covers a clock that is set back by a day. Does not cover what grows old by it: tests/host/test_retention.py does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from mads.host.history.traces import Traces
from mads.observe.recorder import Recorder
from mads.observe.span import Span
from mads.store.database import Database
from mads.store.record.conversations import SqliteConversations
from mads.store.record.sqlite import SqliteRecord
from mads.wire.call import Call, Identity, Reply, current

COVERS = ("R-055", "R-056")

DAY = 86_400.0


def span(id_: str) -> Span:
    now, who = time.monotonic(), Identity("operator")
    call = Call(subject="mads.a.b", body=None, id=id_, deadline=now, identity=who, trace="t" * 32, conversation="42")
    return Span(None, call, Reply(), now, now + 0.5)


async def run(folder: Path, ids: Sequence[str], *, ahead: float, later: float) -> tuple[list[str], int]:
    """Record each of `ids`, the clock `ahead` for the first and `later` for the others; return all turns so far."""
    database = await Database.open(folder / "store.sqlite")
    wall, record = time.time() + ahead, SqliteRecord(database)
    recorder = Recorder(lambda: wall)
    traces = Traces(record, recorder)
    recorder.start(record, after_us=await traces.newest_us())
    for id_ in ids:
        recorder.take(span(id_))
        await recorder.flush()
        wall = time.time() + later
    _, turns = await SqliteConversations(database, "").turns(("default", "42"), 100)
    token = current.set(span("asks").call)
    tree = await traces.tree("t" * 32)
    current.reset(token)
    await recorder.close()
    await database.close()
    assert [hop.id for hop in tree.hops] == [entry.id for entry, _ in turns]
    return [entry.id for entry, _ in turns], tree.took_us


async def test_a_clock_that_is_set_back_changes_no_number_of_a_turn_and_no_length_of_a_trace(tmp_path: Path) -> None:
    ids, took_us = await run(tmp_path, ["a", "b", "c"], ahead=DAY, later=0.0)
    assert ids == ["a", "b", "c"]
    assert 500_000 <= took_us < 60_000_000
    ids, took_us = await run(tmp_path, ["d", "e"], ahead=-DAY, later=-2 * DAY)
    assert ids == ["a", "b", "c", "d", "e"]
    assert took_us < 60_000_000
