"""What is worth showing comes to a collector as OpenTelemetry means it; one that fails costs nobody anything.

The receiver of the first test is a program of its own, which shares no code with what sends. Does not cover which
entries a call leaves: tests/behaviour/test_traces.py does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mads.observe.export import MOST, Export
from mads.observe.logread import Log, Wanted
from mads.observe.logs import configure
from mads.observe.tail import Rules, Seen
from mads.wire.context import Context
from mads.wire.record import Decision, Entry
from tests.observe.collector import attributes, collector, tap

COVERS = ("R-129",)

pytestmark = pytest.mark.slow

EVERY = Rules(slow_us=10**9, costly=10**9, one_in=1)
TRACE, CLIENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def entry(number: int, **more: Any) -> Entry:
    fields: dict[str, Any] = {
        "kind": "call",
        "id": f"r-{number}",
        "subject": "mads.scribe.write",
        "mad": "scribe",
        "principal": "anonymous",
        "tenant": "default",
        "trace": TRACE,
        "span": f"{number:016x}",
        "at_us": 1_700_000_000_000_000 + number,
        "took_us": 250,
        "outcome": "ok",
        "place": "here",
        "version": "abc",
    }
    return Entry(**fields | more)


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    configure(tmp_path)
    yield tmp_path
    configure()


@contextmanager
def exporting(address: str) -> Generator[Export]:
    export = Export(address, EVERY, "desk")
    try:
        yield export
    finally:
        asyncio.run(export.close())


def test_a_trace_arrives_as_a_tree_of_spans() -> None:
    mcp = Context(sampled=True, protocol="2026-07-28")
    root = entry(1, parent=CLIENT, conversation="c-7", cost=12, decisions=(Decision("access", True, "open"),))
    below = entry(2, parent=root.span, cause=root.id, chain=("scribe",), outcome="denied", why="not you", attempt=2)
    event = entry(3, kind="event", subject="event.notes.Fell.v1", parent=root.span, cause=root.id, chain=("scribe",))
    with tap() as receiver, exporting(receiver.address) as export:
        export.offer([Seen(event, mcp), Seen(below, mcp), Seen(root, mcp)])
        spans = {span["spanId"]: span for span in receiver.spans(3)}

    one, two, three = (spans[it.span] for it in (root, below, event))
    assert {span["traceId"] for span in spans.values()} == {TRACE}
    assert [span["parentSpanId"] for span in (one, two, three)] == [CLIENT, root.span, root.span]
    assert [span["name"] for span in (one, two, three)] == [
        "tools/call scribe.write",
        "execute_tool scribe.write",
        "event notes.Fell.v1",
    ]
    assert [span["kind"] for span in (one, two, three)] == [2, 1, 5]
    assert [span["status"] for span in (one, two)] == [
        {"message": "", "code": 0},
        {"message": "not you", "code": 2},
    ]
    assert int(one["endTimeUnixNano"]) - int(one["startTimeUnixNano"]) == 250_000
    assert int(one["startTimeUnixNano"]) == root.at_us * 1000
    known = attributes(one)
    assert {name: known[name] for name in known if name.startswith(("mcp", "gen_ai"))} == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "write",
        "gen_ai.agent.name": "scribe",
        "gen_ai.conversation.id": "c-7",
    }
    assert (known["mads.cost.micro"], known["mads.request.id"]) == ("12", "r-1")
    assert (attributes(two)["error.type"], attributes(two)["mads.attempt"]) == ("denied", "2")
    assert [told["name"] for told in one["events"]] == ["mads.decision"]


def test_it_says_who_sends() -> None:
    with collector() as receiver, exporting(receiver.address) as export:
        export.offer([Seen(entry(1))])
        assert receiver.asked.wait(5)
    (spans,) = receiver.got[0].resource_spans
    told = {it.key: it.value.string_value or it.value.int_value for it in spans.resource.attributes}
    assert told["service.name"] == "desk"
    assert {"service.version", "service.instance.id", "process.pid"} <= told.keys()


def test_a_collector_that_fails_is_told_of_once_and_again_when_it_works(logged: Path) -> None:
    with collector() as receiver:
        receiver.status = 400
        with exporting(receiver.address) as export:
            for number in range(3):
                receiver.asked.clear()
                trace = f"{number + 1:032x}"
                export.offer([Seen(entry(number + 1, trace=trace)), Seen(entry(1, trace=trace, span="no span's id"))])
                assert receiver.asked.wait(5)
            receiver.status = 200
            receiver.asked.clear()
            export.offer([Seen(entry(9, trace="f" * 32))])
            assert receiver.asked.wait(5)
        assert export.counts() == {"sent": 1, "failed": 3, "dropped": 0}
    with closing(Log(logged, Wanted())) as log:
        lines = log.last(10)
    assert [line.event for line in lines] == ["traces cannot be exported", "traces are exported again"]
    assert "400" in lines[0].facts["why"]


def test_the_end_waits_for_no_collector_that_is_gone_or_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with exporting(gone) as export:
        export.offer([Seen(entry(1))])

    with collector() as receiver:
        receiver.may_answer.clear()
        with exporting(receiver.address) as export:
            export.offer([Seen(entry(1))])
            assert receiver.asked.wait(5)
        assert not receiver.may_answer.is_set()


def test_what_cannot_be_sent_is_bounded_and_counted() -> None:
    with collector() as receiver:
        receiver.may_answer.clear()
        with exporting(receiver.address) as export:
            for number in range(40):
                first = 1 + number * 500
                export.offer([Seen(entry(each, trace=f"{each:032x}")) for each in range(first, first + 500)])
            assert receiver.asked.wait(10)
        assert export.counts()["dropped"] >= 40 * 500 - 2 * MOST
