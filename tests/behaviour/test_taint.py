"""What came from outside labels whoever was told, wherever that runs, and does nothing that cannot be undone.

Covers every way on which it may go: answers, streams, errors, other MADs, what is kept, commands, events. Does not
cover each decision in itself: tests/guard/test_labels.py does.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mads import CallError
from mads.guard.principals import OPERATOR
from mads.testing.placed import Placed
from tests.behaviour.conftest import Troupe
from tests.behaviour.hearsay import everybody

COVERS = ("R-080", "R-109")

WEB = ["untrusted:web"]
GRANT: dict[str, Any] = {"whom": "mad:reader", "what": "mads.press.press:destructive", "when": '"untrusted" in labels'}


async def refused(it: Placed, tool: str, principal: str = "tester", **arguments: Any) -> str:
    with pytest.raises(CallError) as told:
        await it.call(tool, principal=principal, **arguments)
    return str(told.value)


async def taints(it: Placed, tool: str, heard: int = 1) -> list[list[str]]:
    """Wait until so many calls of `tool` are on record; return the labels of each."""
    async with asyncio.timeout(5):
        while True:
            lines = await it.call("steward.traces", principal=OPERATOR, limit=100, failed=False, control=False)
            trees = [await it.call("steward.trace", principal=OPERATOR, id=line["trace"]) for line in lines]
            found = [hop["taint"] for tree in trees for hop in tree["hops"] if hop["call"] == tool]
            if len(found) >= heard:
                return found
            await asyncio.sleep(0.02)


async def test_whoever_was_told_what_is_untrusted_reaches_nothing_destructive_on_any_way(troupe: Troupe) -> None:
    async with troupe(**everybody()) as it:
        assert await it.call("reader.clean") == 1
        await it.call("reader.jot")
        assert await it.call("reader.act", how="kept") == 2
        await it.call("reader.keep")
        for how in ("page", "hearsay", "stream", "within", "failure", "kept"):
            why = await refused(it, "reader.act", how=how)
            assert "'untrusted'" in why
            assert "brought in by web" in why
            assert 'accepts = ["press"]' in why
        await refused(it, "reader.act", OPERATOR, how="page")
        assert await it.call("press.times") == 2


async def test_a_command_and_an_event_carry_what_whoever_sent_them_was_told(troupe: Troupe) -> None:
    async with troupe(**everybody()) as it:
        await it.call("reader.later")
        assert await taints(it, "reader.pressed") == [WEB]
        await it.call("reader.tell")
        async with asyncio.timeout(5):
            while not (beliefs := await it.call("reader.believed")):
                await asyncio.sleep(0.02)
        assert beliefs[0]["labels"] == WEB
        assert await it.call("press.times") == 0


@pytest.mark.slow
async def test_a_later_attempt_is_labelled_by_the_steps_that_it_recalls(troupe: Troupe) -> None:
    async with troupe(**everybody()) as it:
        await it.call("reader.study")
        async with asyncio.timeout(10):
            while not (beliefs := await it.call("reader.believed")):
                await asyncio.sleep(0.02)
        assert "brought in by web" in beliefs[0]["why"]
        assert await it.call("press.times") == 0


async def test_the_operator_accepts_it_for_a_tool_or_for_a_mad(troupe: Troupe) -> None:
    async with troupe(**everybody()) as it:
        await refused(it, "reader.act", how="page")
        await it.call("steward.grant", principal=OPERATOR, **GRANT)
        assert await it.call("reader.act", how="page") == 1
    async with troupe(**everybody(press={"accepts": ("press",)})) as it:
        assert await it.call("reader.act", how="hearsay") == 2
    async with troupe(**everybody(web={"trusted": True})) as it:
        await it.call("steward.revoke", principal=OPERATOR, whom="mad:reader", what=GRANT["what"])
        assert await it.call("reader.act", how="page") == 3


async def test_the_record_says_of_each_turn_what_it_was_made_of(troupe: Troupe) -> None:
    async with troupe(**everybody()) as it:
        await it.call("reader.clean", conversation="clean")
        await it.call("reader.act", how="kept", conversation="clean")
        await refused(it, "reader.act", how="hearsay", conversation="told")
        tree = await it.call("steward.trace", principal=OPERATOR, id="told")
        assert {hop["call"]: hop["taint"] for hop in tree["hops"]} == {
            "reader.act": WEB,
            "relay.hearsay": WEB,
            "web.page": WEB,
            "press.press": WEB,
        }
        clean = await it.call("steward.trace", principal=OPERATOR, id="clean")
        assert not any(hop["taint"] for hop in clean["hops"])
