"""A MAD in another process keeps its values in the core's store: its own, and for the tenant it serves."""

from typing import Any

import pytest

from mads.bus.memory import MemoryBus
from mads.guard.labels import Labels
from mads.host.caller import Caller
from mads.host.kept_rows import Read, RemoteRows, serve_rows
from mads.store.memory import MemoryRows
from mads.store.port import MAX_BODY, Row, Scope
from mads.wire import codec
from mads.wire.call import Call, Identity
from mads.wire.errors import Denied, Failed, InvalidMessage, NoResponder
from mads.wire.failure import error_of

NOTES = Scope("acme", "scribe", "notes", "scribe.Note.v1")

SCRIBE = Identity("ana", "acme", ("herald", "scribe"))


@pytest.mark.parametrize(
    "identity",
    [
        Identity("ana", "acme", ("scribe", "herald")),
        Identity("ana", "umbrella", ("herald", "scribe")),
        Identity("scribe", "acme"),
    ],
    ids=["another MAD", "another tenant", "no MAD"],
)
async def test_whoever_is_not_the_owner_is_denied(identity: Identity) -> None:
    bus, rows = MemoryBus(), MemoryRows()
    await serve_rows(bus, rows, Labels())
    row = rows.put(NOTES, b"secret")
    stranger = RemoteRows(bus, Caller(identity).call)
    for use in (stranger.add(NOTES, b"mine"), stranger.rows(NOTES), stranger.remove(NOTES, [row])):
        with pytest.raises(Denied, match="may not touch what 'scribe' keeps for 'acme'; call a tool of 'scribe'"):
            await use
    assert await rows.rows(NOTES) == [(row, b"secret")]


async def test_what_is_larger_than_a_message_is_read_in_parts() -> None:
    bus, rows, caller, asked = MemoryBus(), MemoryRows(), Caller(SCRIBE), list[str]()
    await serve_rows(bus, rows, Labels())
    for size in (1, 3_000_000, 3_000_000, MAX_BODY, MAX_BODY, 5):
        rows.put(NOTES, bytes(size))

    def call(subject: str, body: Any) -> Call:
        asked.append(subject)
        return caller.call(subject, body)

    assert await RemoteRows(bus, call).rows(NOTES) == await rows.rows(NOTES)
    assert asked == ["host.kept.rows"] * 4


async def test_a_part_is_no_larger_than_the_core_allows_whatever_was_asked_for() -> None:
    bus, rows = MemoryBus(), MemoryRows()
    await serve_rows(bus, rows, Labels())
    for _ in range(5):
        rows.put(NOTES, bytes(3_000_000))
    greedy = Read(scope=NOTES, after=0, size=10**12)
    reply = await bus.request(Caller(SCRIBE).call("host.kept.rows", codec.raw(greedy)))
    assert len(codec.decode(codec.raw(reply.body), list[Row])) == 2


async def test_a_body_that_is_too_large_to_be_sent_back_is_refused() -> None:
    bus = MemoryBus()
    await serve_rows(bus, MemoryRows(), Labels())
    with pytest.raises(InvalidMessage, match="length <= 8388608"):
        await RemoteRows(bus, Caller(SCRIBE).call).add(NOTES, bytes(MAX_BODY + 1))


async def test_a_request_that_does_not_fit_is_refused() -> None:
    bus = MemoryBus()
    await serve_rows(bus, MemoryRows(), Labels())
    reply = await bus.request(Caller(SCRIBE).call("host.kept.add", codec.raw({"scope": NOTES, "text": "release"})))
    assert reply.failure is not None
    with pytest.raises(InvalidMessage, match="`text`"):
        raise error_of(reply.failure)


async def test_what_the_store_cannot_do_is_told_to_the_child() -> None:
    bus, rows = MemoryBus(), MemoryRows()
    await serve_rows(bus, rows, Labels())
    rows.put(Scope("acme", "scribe", "notes", "scribe.Note.v2"), b"")
    with pytest.raises(Failed, match=r"^scribe\.notes keeps 'scribe\.Note\.v2' \(row 1\)"):
        await RemoteRows(bus, Caller(SCRIBE).call).rows(NOTES)


async def test_a_core_that_serves_no_more_is_an_error() -> None:
    bus = MemoryBus()
    await (await serve_rows(bus, MemoryRows(), Labels())).close()
    with pytest.raises(NoResponder):
        await RemoteRows(bus, Caller(SCRIBE).call).rows(NOTES)
