"""Two versions of a MAD side by side: who is answered by which, and what is made of one that is worse.

Covers canaries as callers and the operator see them, in every placement. Does not cover their arithmetic: that is in
tests/guard/test_canary.py.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mads import CanaryChanged, Denied, InvalidMessage
from mads.author.message import subject
from mads.host.canaries import CanaryConfig
from mads.testing.placed import Placed, placed
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.canary import CanaryInfo
from mads.wire.status import AuditQuery
from tests.behaviour.conftest import ROOT, Troupe

COVERS = ("R-134", "R-135")

CLERK = "tests.behaviour.versions:Clerk"
OTHER = "tests.behaviour.versions:Other"
BAD = "tests.behaviour.versions:Bad"
HALF: dict[str, Any] = {"mad": "clerk", "use": "next", "share": 0.5, "shadow": 0.0}


def one(**said: Any) -> dict[str, Any]:
    return {"canaries": (CanaryConfig(**HALF | said),)}


async def turn(it: Placed, verb: str) -> None:
    await it.call("steward.canary_turn", principal="operator", mad="clerk", verb=verb, why="so be it")


async def shown(it: Placed) -> CanaryInfo:
    found: CanaryInfo = codec.fit(await it.call("steward.canary_show", mad="clerk"), CanaryInfo)
    return found


async def until(it: Placed, state: str) -> CanaryInfo:
    async with asyncio.timeout(5):
        while (found := await shown(it)).state != state:
            await asyncio.sleep(0.02)
    return found


async def versions(it: Placed, count: int = 24) -> list[int]:
    """Return who answers each of so many conversations."""
    return [await it.call("clerk.version", conversation=f"c{number}") for number in range(count)]


async def test_a_share_of_conversations_has_the_second_version_and_stays_with_it(troupe: Troupe) -> None:
    async with troupe(clerk=CLERK, next=OTHER, **one()) as it:
        answered = await versions(it)
        assert set(answered) == {1, 2}
        assert 5 <= answered.count(2) <= 19
        assert await versions(it) == answered
        assert await it.call("clerk.sum", a=1, b=2) == 3
        await turn(it, "stop")
        assert set(await versions(it)) == {1}
        await turn(it, "start")
        assert await versions(it) == answered
        await turn(it, "promote")
        assert set(await versions(it)) == {2}
        await turn(it, "rollback")
        assert set(await versions(it)) == {1}


@pytest.mark.parametrize("placement", ["here"])
async def test_of_a_mad_one_tool_alone_may_have_two_versions(troupe: Troupe) -> None:
    async with troupe(clerk=CLERK, next=BAD, **one(tools=("version",))) as it:
        await turn(it, "promote")
        assert set(await versions(it, 3)) == {2}
        assert await it.call("clerk.sum", a=2, b=2) == 4


async def test_both_keep_the_same_and_what_the_second_spends_the_first_pays(troupe: Troupe) -> None:
    async with troupe(clerk=CLERK, next=OTHER, **one()) as it:
        await it.call("clerk.keep", text="by one")
        await turn(it, "promote")
        await it.call("clerk.keep", text="by two")
        assert await it.call("clerk.lines") == ["by one", "by two"]
        await it.call("clerk.buy")
        await turn(it, "rollback")
        assert await it.call("clerk.lines") == ["by one", "by two"]
        spent = {each["name"]: each["spent"]["micro_usd"] for each in await it.call("steward.cost", by="mad")}
        assert spent == {"clerk": 100, "next": 100}


async def test_what_a_version_sends_to_itself_it_handles_itself(troupe: Troupe) -> None:
    async with troupe(clerk=CLERK, next=OTHER, **one()) as it:
        await turn(it, "stop")
        await it.call("clerk.note", text="to do")
        await turn(it, "promote")
        await it.call("clerk.note", text="to do")
        async with asyncio.timeout(5):
            while len(lines := await it.call("clerk.lines")) < 2:
                await asyncio.sleep(0.02)
        assert sorted(lines) == ["to do of 1", "to do of 2"]


@pytest.mark.parametrize("placement", ["here"])
async def test_the_second_version_is_called_by_nobody_else_and_its_rights_are_those_of_the_first(
    troupe: Troupe,
) -> None:
    async with troupe(clerk=CLERK, next=OTHER, **one()) as it:
        assert "next" not in {tool["mad"] for tool in await it.call("steward.tools")}
        assert "next" not in {tool.mad for tool in it.system.tools()}
        with pytest.raises(Denied, match=r"it is the second version of mads\.clerk\.version; call that"):
            await it.call("next.version")


@pytest.mark.parametrize("placement", ["here"])
async def test_where_the_second_version_is_off_the_first_answers(troupe: Troupe) -> None:
    async with troupe(clerk=CLERK, next=OTHER, **one()) as it:
        await turn(it, "promote")
        await it.call("steward.stop", principal="operator", what="next", why="it dreams")
        assert set(await versions(it, 3)) == {1}
        await it.call("steward.resume", principal="operator", what="next")
        assert set(await versions(it, 3)) == {2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("placement", "tool", "arguments", "measure", "shadow"),
    [
        ("here", "keep", {"text": "x"}, "errors", 0.0),
        ("here", "lines", {}, "slow", 0.0),
        ("process", "buy", {}, "dear", 0.0),
        ("process", "sum", {"a": 2, "b": 2}, "different", 1.0),
    ],
)
async def test_a_second_version_that_is_worse_is_rolled_back_and_says_so_in_numbers(
    troupe: Troupe, tool: str, arguments: dict[str, Any], measure: str, shadow: float
) -> None:
    told: list[CanaryChanged] = []

    async def hear(call: Call) -> Reply:
        told.append(codec.decode(codec.raw(call.body), CanaryChanged))
        return Reply()

    async with troupe(clerk=CLERK, next=BAD, **one(shadow=shadow, tools=(tool,))) as it:
        await it.bus.subscribe((subject(CanaryChanged),), hear)
        for number in range(120):
            try:
                await it.call(f"clerk.{tool}", conversation=f"c{number}", **arguments)
            except Exception:  # noqa: BLE001  some of them fail, which is the point
                assert tool == "keep"
        found = await until(it, "rolled back")
        assert found.why.startswith(f"{measure}: ")
        assert "% of" in found.why
        async with asyncio.timeout(5):
            while not told:
                await asyncio.sleep(0.01)
        assert [(each.mad, each.use, each.was, each.now) for each in told] == [
            ("clerk", "next", "running", "rolled back")
        ]
        assert told[0].why == found.why
        rows = await it.system.audited(AuditQuery(principal="host"))
        assert [row.subject for row in rows if row.kind == "switch"] == ["canary clerk"]


@pytest.mark.slow
@pytest.mark.parametrize("placement", ["here"])
async def test_a_second_version_that_is_no_worse_is_promoted(troupe: Troupe) -> None:
    async with troupe(clerk=CLERK, next=OTHER, **one(tools=("sum",), errors=0.3, slow=0.4, dear=0.3)) as it:
        for number in range(120):
            await it.call("clerk.sum", conversation=f"c{number}", a=1, b=2)
        found = await until(it, "promoted")
        assert [each.judged for each in found.compared] == ["no worse"] * 3


@pytest.mark.slow
async def test_what_was_decided_and_seen_outlives_a_restart(tmp_path: Path, placement: str) -> None:
    mads: dict[str, Any] = {"path": (ROOT,), "clerk": CLERK, "next": OTHER, **one()}
    async with placed(tmp_path, placement, **mads) as it:
        await versions(it, 10)
        async with asyncio.timeout(5):
            while it.system.canaries.one("clerk").compared[0].new.of == 0:
                await asyncio.sleep(0.02)
        await it.system.canaries.look()
        before = await shown(it)
    async with placed(tmp_path, placement, **mads) as it:
        assert await shown(it) == before
        await turn(it, "rollback")
    async with placed(tmp_path, placement, **mads) as it:
        assert ((await shown(it)).state, (await shown(it)).why) == ("rolled back", "so be it")
        assert set(await versions(it, 10)) == {1}


@pytest.mark.parametrize("placement", ["here"])
async def test_nobody_decides_without_a_reason_or_about_what_is_not_there(troupe: Troupe) -> None:
    async with troupe(clerk=CLERK, next=OTHER, **one()) as it:
        with pytest.raises(InvalidMessage, match="write why"):
            await it.call("steward.canary_turn", principal="operator", mad="clerk", verb="stop", why=" ")
        with pytest.raises(InvalidMessage, match="did you mean clerk"):
            await it.call("steward.canary_turn", principal="operator", mad="clerc", verb="stop", why="tired")
        with pytest.raises(Denied):
            await it.call("steward.canary_turn", principal="ana", mad="clerk", verb="stop", why="tired")
