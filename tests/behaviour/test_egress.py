"""A MAD reaches outside through the broker alone, wherever it runs, and what it asked for is on record.

Covers a running system in every place, with servers on loopback. Does not cover what the broker refuses in particular
(`tests/egress`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mads import Failed, InvalidMessage, SecretRef
from mads.bus.memory import MemoryBus
from mads.host.caller import Caller
from mads.host.config import MadConfig, readable
from mads.host.egress import HostEgress
from mads.store.record.port import Query
from mads.testing.placed import Placed
from mads.wire import codec
from mads.wire.call import Identity
from mads.wire.record import Entry
from mads.wire.status import AuditQuery
from mads.wire.web import Answer, Ask
from tests.behaviour.conftest import Troupe
from tests.egress.outside import Outside, outside, saying

COVERS = ("R-077", "R-106")

WITHOUT_END = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def envoy(*may: str) -> MadConfig:
    return MadConfig("tests.behaviour.envoy:Envoy", may=may)


async def dripping(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(WITHOUT_END)
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def entries(it: Placed) -> list[Entry]:
    """Return what is on record of what was asked for outside."""
    await it.system.observer.recorder.flush()
    return [entry for entry in await it.system.record.entries(Query()) if entry.subject == "egress.request"]


async def body(it: Placed, address: bytes) -> Any:
    """Return the value of a body."""
    kept = await it.system.record.body(address)
    assert kept is not None
    return codec.decode(kept, Any)


@pytest.mark.parametrize(
    "asked",
    [{"json": SecretRef("key")}, {"json": {"a": [{"key": SecretRef("key")}]}}, {"content": SecretRef("key")}],
    ids=str,
)
async def test_a_handle_that_stands_where_no_secret_is_put_in_does_not_leave_as_its_name(asked: dict[str, Any]) -> None:
    out = HostEgress(MemoryBus(), Caller(Identity("mad:scribe")))
    with pytest.raises(InvalidMessage, match="in a header: headers="):
        await out.request("POST", "https://api.example.com/", **asked)


async def test_a_mad_reaches_what_it_may_and_nothing_else(troupe: Troupe) -> None:
    async with outside(saying(b"hello")) as it, outside(saying(b"canary")) as other:
        async with troupe(envoy=envoy(it.may)) as here:
            assert await here.call("envoy.get", url=it.url("/x")) == "200 hello"
            assert await here.call("envoy.post", url=it.url(), text="hi") == "hello"
            assert it.asked[1].endswith(b'{"text":"hi"}')
            with pytest.raises(Failed, match=f'may = \\["net:127.0.0.1:{other.port}"\\]'):
                await here.call("envoy.get", url=other.url())
            with pytest.raises(Failed, match="mads secret grant envoy some/token"):
                await here.call("envoy.get", url=it.url(), path="some/token")
        assert not other.asked


async def test_an_answer_arrives_in_pieces_and_no_further_than_wanted(troupe: Troupe) -> None:
    async def two(_: Outside, asked: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(WITHOUT_END + b"3\r\none\r\n")
        await writer.drain()
        long = b"x" * 2000 if b"/long" in asked else b"two"
        writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(long), long))

    async with outside(two) as it, troupe(envoy=envoy(it.may)) as here:
        status, *pieces = await here.call("envoy.pieces", url=it.url())
        assert (status, "".join(pieces)) == ("200", "onetwo")
        assert (await here.call("envoy.pieces", url=it.url("/long")))[-1] == "Failed"
        assert await here.call("envoy.pieces", url="http://example.com/") == ["Denied"]


async def test_requests_that_name_themselves_alike_get_each_its_own_answer(troupe: Troupe) -> None:
    async def path(_: Outside, asked: bytes, writer: asyncio.StreamWriter) -> None:
        said = asked.split(b" ")[1]
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(said), said))

    async with outside(path) as it, troupe(envoy=envoy(it.may)) as here:
        caller = Caller(Identity("tester", chain=("envoy",)))
        alike = [
            replace(caller.call("egress.request", codec.raw(Ask("GET", it.url(f"/{number}")))), span="same")
            for number in range(8)
        ]
        replies = await asyncio.gather(*map(here.bus.request, alike))
        bodies = [codec.decode(codec.raw(reply.body), Answer).body for reply in replies]
        assert bodies == [b"/%d" % number for number in range(8)]


async def test_whoever_drips_is_let_go_of(troupe: Troupe) -> None:
    async with outside(dripping) as it, troupe(envoy=envoy(it.may)) as here:
        assert await here.call("envoy.drip", url=it.url()) == "DeadlineExceeded"


async def test_what_was_asked_for_is_on_record_without_what_it_carried(troupe: Troupe) -> None:
    async with outside(saying(b"hello")) as it, troupe(envoy=envoy(it.may)) as here:
        await here.call("envoy.get", url=it.url("/x?token=abc"))
        with pytest.raises(Failed, match="may not reach"):
            await here.call("envoy.get", url="http://10.0.0.1/")
        done, refused = await entries(here)
        assert (done.mad, done.chain, done.outcome) == ("egress", ("envoy",), "ok")
        assert await body(here, done.asked) == {"method": "GET", "url": it.url("/x"), "headers": [], "size": 0}
        assert await body(here, done.answered) == {"status": 200, "url": it.url("/x"), "size": 5}
        assert [decision.rule for decision in done.decisions] == [it.may]
        assert (refused.outcome, refused.decisions[0].rule) == ("denied", "http://10.0.0.1/")
        audited = await here.system.audited(AuditQuery(denied=True))
        assert [row.rule for row in audited] == ["egress: http://10.0.0.1/"]
        tree = await here.system.traces.tree(done.trace)
        assert [(hop.depth, hop.mad, hop.call) for hop in tree.hops] == [
            (0, "envoy", "envoy.get"),
            (1, "egress", "egress.request"),
        ]


@pytest.mark.parametrize(
    "entry", ["net:", "web:example.com", "net:exa mple.com", "net:127.1", "net:a.*.com", "net:*:80", "net:x:0"]
)
def test_what_grants_nothing_is_refused_before_anything_starts(tmp_path: Path, entry: str) -> None:
    (tmp_path / "mads.toml").write_text(f'[mads]\na = {{ use = "a:A", may = ["{entry}"] }}\n', encoding="utf-8")
    _, mistakes = readable(tmp_path)
    assert [line.partition(" grants nothing")[0] for line in mistakes] == [
        f"mads.toml: line 2: [mads] a may: {entry!r}"
    ]


async def test_a_secret_in_clear_does_not_leave_and_that_is_audited(troupe: Troupe) -> None:
    async with outside(saying(b"hello")) as it, troupe(envoy=envoy(it.may)) as here:
        with pytest.raises(Failed, match="github-token"):
            await here.call("envoy.post", url=it.url(), text="ghp_" + "a1B2" * 9)
        assert not it.asked
        (refused,) = await entries(here)
        assert refused.decisions[0].rule == f"{it.url()} (outgoing: github-token)"
        (row,) = await here.system.audited(AuditQuery(denied=True))
        assert row.rule == f"egress: {it.url()} (outgoing: github-token)"
