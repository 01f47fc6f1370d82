"""Whatever happens is in the record, the same wherever the MAD runs, and read as a tree.

Covers calls, events, commands, prose, refusals, costs, decisions, what is sensitive, and a request through the gateway.
Does not cover a crash of the core: tests/host/test_record_crash.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mads import CallError, Denied, Failed, InvalidMessage
from mads.host.door import BusDoor
from mads.store.record.port import Query
from mads.testing.placed import Placed
from mads.wire import codec
from mads.wire.record import Entry
from mads.wire.trace import Hop, Tree
from tests.behaviour import market
from tests.behaviour.conftest import Troupe
from tests.behaviour.market import Bank, Card, Shop
from tests.gateway.desk import headers, raw, request

COVERS = ("R-055", "R-129", "R-130")

SHOP: dict[str, Any] = {"shop": "tests.behaviour.market:Shop", "bank": "tests.behaviour.market:Bank"}
CARD = Card("4556-7375", "Ana")
VERSION = sha256(Path(market.__file__).read_bytes()).hexdigest()[:12]
TRACE, CLIENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def entries(it: Placed, **query: Any) -> list[Entry]:
    """Return what is recorded, once that is there."""
    await it.system.observer.recorder.flush()
    return await it.system.record.entries(Query(**query))


async def entry(it: Placed, subject: str) -> Entry:
    """Return the last entry of a subject."""
    async with asyncio.timeout(5):
        while not (found := [one for one in await entries(it) if one.subject == subject]):
            await asyncio.sleep(0.01)
    return found[-1]


async def body(it: Placed, address: bytes) -> Any:
    """Return the value of a body."""
    kept = await it.system.record.body(address)
    assert kept is not None
    return codec.decode(kept, Any)


async def tree(it: Placed, id_: str, hops: int) -> Tree:
    """Return a tree once it has so many hops."""
    async with asyncio.timeout(5):
        while True:
            with suppress(InvalidMessage):
                found = await it.system.traces.tree(id_)
                if len(found.hops) >= hops:
                    return found
            await asyncio.sleep(0.01)


def shape(hops: Sequence[Hop]) -> list[tuple[int, str, str, str]]:
    """Return what is the same in every place."""
    return [(hop.depth, hop.kind, hop.call, hop.outcome) for hop in hops]


async def test_a_request_through_the_gateway_is_one_tree_below_the_span_of_its_client(
    troupe: Troupe, placement: str
) -> None:
    async with troupe(**SHOP) as it:

        async def tools() -> Any:
            return it.system.tools()

        arguments = {"what": "tea", "card": codec.plain(CARD)}
        asked = request("shop_sell", arguments, traceparent=f"00-{TRACE}-{CLIENT}-01", **{"mads/conversation": "c-1"})
        async with raw(BusDoor(it.bus, tools)) as http:
            answer = (await http.post("/mcp", json=asked, headers=headers("shop_sell"))).json()
        seen = await tree(it, TRACE, 3)
    assert answer["result"]["structuredContent"] == {"result": "995 from Ana"}
    assert shape(seen.hops) == [
        (0, "call", "shop.sell", "ok"),
        (1, "call", "bank.charge", "ok"),
        (1, "event", f"event.{market.__name__}.Sold.v1", "ok"),
    ]
    top, charge, sold = seen.hops
    assert (top.trace, top.parent, top.principal, top.conversation) == (TRACE, CLIENT, "anonymous", "c-1")
    assert charge.parent == sold.parent == top.span
    assert charge.cause == top.id
    assert {hop.place for hop in seen.hops} == {placement}
    assert {hop.version for hop in seen.hops} == {VERSION}
    assert [hop.cost for hop in seen.hops] == [0, 340, 7]
    assert seen.cost == 347
    assert top.took_us >= charge.took_us
    assert all(hop.waited_us >= 0 for hop in seen.hops)


async def test_timers_that_go_well_and_call_nobody_are_not_among_the_last_traces_unless_all_are(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        async with asyncio.timeout(5):
            while await it.call("gardener.marks") < 3:
                await asyncio.sleep(0.02)
        calls = [line.call for line in await it.system.traces.last(limit=50, failed=False, control=False)]
        everything = [line.call for line in await it.system.traces.last(limit=50, failed=False, control=True)]
        assert set(calls) == {"gardener.marks"}
        assert "timer.gardener.beat" in everything


async def test_a_tree_is_found_by_its_trace_a_request_in_it_and_its_conversation(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        await it.mad(Shop).sell("tea", CARD)
        top = await entry(it, "mads.shop.sell")
        below = await entry(it, "mads.bank.charge")
        found = [shape((await tree(it, id_, 3)).hops) for id_ in (top.trace, top.id, below.id)]
        assert found[0] == found[1] == found[2]
        (line,) = await it.system.traces.last(limit=5, failed=False, control=False)
        assert (line.trace, line.call, line.calls, line.failed) == (top.trace, "shop.sell", 3, 0)
        assert await it.system.traces.last(limit=5, failed=True, control=False) == []
        with pytest.raises(InvalidMessage, match="nothing is recorded under 'x'"):
            await it.call("steward.trace", id="x")


async def test_arguments_and_results_are_kept_beside_it_without_what_is_sensitive(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        await it.mad(Shop).sell("tea", CARD)
        assert await it.mad(Bank).token() == "swordfish"
        sell, sold = await entry(it, "mads.shop.sell"), await entry(it, f"event.{market.__name__}.Sold.v1")
        hidden = {"number": "[sensitive]", "owner": "Ana"}
        assert await body(it, sell.asked) == {"what": "tea", "card": hidden, "how": ""}
        assert await body(it, sell.answered) == "995 from Ana"
        assert await body(it, sold.asked) == {"what": "tea", "card": hidden}
        assert await body(it, (await entry(it, "mads.bank.token")).answered) == "[sensitive]"


async def test_a_dead_letter_is_shown_without_what_is_sensitive(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        letter = await it.mad(Shop).order("tea", "reject")
        async with asyncio.timeout(5):
            while not (await it.call("steward.dead_list"))["letters"]:
                await asyncio.sleep(0.01)
        shown = await it.call("steward.dead_show", letter=letter)
        assert shown["body"] == {"card": {"number": "[sensitive]", "owner": "tea"}, "cents": 1, "how": "reject"}
        assert shown["why"] == "rejected: card [sensitive] is not covered"
        await it.call("steward.trace", id=(await entry(it, "mads.bank.charge")).trace)
        for verb in ("dead_list", "dead_show", "trace"):  # what is erased is not to stand in an answer about it
            assert await body(it, (await entry(it, f"mads.steward.{verb}")).answered) == "[sensitive]"


async def test_a_failure_says_why_without_what_is_sensitive(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        with pytest.raises(Failed, match=r"card \[sensitive\] is not covered"):
            await it.mad(Shop).sell("tea", CARD, "refuse")
        charge, sell = await entry(it, "mads.bank.charge"), await entry(it, "mads.shop.sell")
        assert (charge.outcome, charge.why, charge.cost) == (
            "failed",
            "ValueError: card [sensitive] is not covered",
            340,
        )
        assert sell.outcome == "failed"
        assert CARD.number not in sell.why
        (line,) = await it.system.traces.last(limit=5, failed=True, control=False)
        assert line.failed == 2


async def test_what_a_guard_decided_is_told_with_its_rule(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        with pytest.raises(CallError):
            await it.mad(Shop, principal="anonymous").raid()
        denied = await entry(it, "mads.bank.rob")
        await it.mad(Shop).raid()
        allowed, top = await entry(it, "mads.bank.rob"), await entry(it, "mads.shop.raid")
    assert [(one.allowed, one.rule) for one in (*denied.decisions, *allowed.decisions, *top.decisions)] == [
        (False, "nothing allows it"),
        (True, "role:admin: allow mads.>:destructive"),
        (True, "role:admin: allow mads.>"),
    ]
    assert (denied.outcome, denied.chain) == (Denied.code, ("shop",))


async def test_a_command_stands_below_the_call_that_sent_it(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        await it.mad(Shop).order("tea")
        seen = await tree(it, (await entry(it, "mads.shop.order")).trace, 2)
    assert shape(seen.hops) == [(0, "call", "shop.order", "ok"), (1, "command", "bank.charge", "ok")]


async def test_prose_and_streams_are_recorded_as_what_they_are(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        await it.call("shop.chat", text="hello")
        assert [coin async for coin in it.mad(Bank).coins(2)] == [0, 1]
        said, coins = await entry(it, "mads.shop.chat"), await entry(it, "mads.bank.coins")
        assert (said.kind, await body(it, said.asked)) == ("prose", {"text": "hello"})
        assert (coins.kind, coins.outcome, await body(it, coins.asked)) == ("call", "ok", {"count": 2})


async def test_what_came_to_no_handler_is_recorded_and_what_nobody_describes_is_not_kept(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        for tool in ("shop.sel", "nobody.home"):
            with pytest.raises(CallError):
                await it.call(tool, card="4556-7375")
        found = [await entry(it, f"mads.{tool}") for tool in ("shop.sel", "nobody.home")]
    assert [(one.kind, one.outcome, one.mad, one.version) for one in found] == [
        ("refused", "no_responder", "shop", ""),
        ("refused", "no_responder", "", ""),
    ]
    assert [one.asked for one in found] == [b"", b""]


async def test_a_call_that_is_late_or_left_says_so(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        with pytest.raises(CallError):
            await it.call("bank.charge", card=codec.plain(CARD), cents=1, how="hang", within=0.1)
        late = await entry(it, "mads.bank.charge")
        task = asyncio.create_task(it.call("shop.sell", what="tea", card=codec.plain(CARD), how="hang"))
        async with asyncio.timeout(5):
            while (await it.running("bank"))["charge"] != 1:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        left = await entry(it, "mads.shop.sell")
    assert (late.outcome, late.why) == ("late", "it did not answer before the deadline")
    assert left.outcome == "cancelled"


async def test_only_a_whole_number_of_0_or_more_can_be_charged(troupe: Troupe) -> None:
    async with troupe(**SHOP) as it:
        for amount in (-1, 1.5):
            with pytest.raises(InvalidMessage, match="write a whole number of millionths of a dollar"):
                await it.mad(Bank).forged(amount)
        assert (await entry(it, "mads.bank.forged")).cost == 0


async def test_the_call_that_a_child_died_over_is_recorded_as_lost(troupe: Troupe, placement: str) -> None:
    if placement == "here":  # there it would be the end of the system
        return
    async with troupe(**SHOP) as it:
        with pytest.raises(Failed):
            await it.mad(Shop).sell("tea", CARD, "die")
        charge = await entry(it, "mads.bank.charge")
    assert (charge.outcome, charge.place) == ("lost", "process")
