"""A call is answered, refused, late or lost in the same way wherever the MAD runs.

Covers requests, deadlines, failures, rights along the chain, cancellation, streams and progress. Does not cover what an
adapter promises by itself: tests/conformance does.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from mads import CallError, DeadlineExceeded, Denied, Failed, InvalidMessage, NoResponder, Overloaded
from mads.host.config import MadConfig
from mads.testing.placed import Heard
from mads.wire.codec import encode
from mads.wire.failure import failure_of, root_of
from tests.behaviour.conftest import Troupe, serial, until_running
from tests.behaviour.troupe import OUTRAGES, Basket, Gardener, Leaf, Ping, Tree

COVERS = ("R-020", "R-025", "R-032", "R-036", "R-101", "R-122", "R-123")


async def test_a_tool_runs_where_its_mad_is_placed(troupe: Troupe, placement: str) -> None:
    async with troupe("tree") as it:
        assert (await it.mad(Tree).where() == os.getpid()) is (placement == "here")


async def test_a_result_comes_back_as_its_type(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        assert await it.mad(Tree).grow(Leaf("oak")) == 1
        assert await it.mad(Tree).all() == [Leaf("oak")]
        assert await it.call("tree.all") == [{"text": "oak"}]


async def test_what_json_spells_as_text_arrives_as_what_it_stands_for(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        since = datetime(1887, 1, 1, tzinfo=UTC)
        assert await it.mad(Tree).carve(b"\0A+B", since) == b"\0A+B1887"
        spelled = b64encode(b"\0A+B").decode()
        assert b64decode(await it.call("tree.carve", bark=spelled, since=since.isoformat())) == b"\0A+B1887"


async def test_prose_is_answered_by_the_handler_that_is_offered_as_chat(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        assert await it.call("tree.chat", text="hush") == {"text": "the wind says hush"}


async def test_a_child_call_inherits_the_deadline_and_the_principal(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        direct = await it.mad(Gardener).left_below()
        assert direct <= 30
        assert await it.mad(Gardener, principal="ana").principal_below() == "ana"
        below = await it.call("gardener.left_below")
        assert 30 >= below > 20


async def test_a_late_answer_is_a_typed_error_and_the_handler_is_cancelled(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        with pytest.raises(DeadlineExceeded):
            await it.call("tree.sway", within=0.15, seconds=20)
        assert await until_running(it, "sway", 0)


async def test_a_deadline_reaches_through_a_mad_in_between(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        with pytest.raises(DeadlineExceeded):
            await it.call("gardener.sway_below", within=0.2, seconds=20)
        assert await until_running(it, "sway", 0)


async def test_cancelling_the_caller_cancels_the_handler(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        task = asyncio.create_task(it.call("gardener.sway_below", seconds=20))
        assert await until_running(it, "sway", 1)
        task.cancel()
        await asyncio.wait([task])
        assert await until_running(it, "sway", 0)


async def test_an_unknown_tool_has_no_responder_and_the_near_one_is_named(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        with pytest.raises(NoResponder, match=r"did you mean tree\.grow\?"):
            await it.call("tree.grown")
        with pytest.raises(NoResponder):
            await it.call("rock.grow")


@pytest.mark.parametrize(
    "arguments", [{}, {"leaf": 3}, {"leaf": {"text": "a", "size": 1}}, {"leaf": {"text": "a"}, "x": 1}]
)
async def test_arguments_that_do_not_fit_never_reach_the_handler(troupe: Troupe, arguments: dict[str, Any]) -> None:
    async with troupe("tree") as it:
        with pytest.raises(InvalidMessage):
            await it.call("tree.grow", **arguments)
        assert await it.call("tree.all") == []


async def test_a_handlers_exception_is_a_failure_with_its_class_and_words(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        with pytest.raises(Failed, match="ValueError: a branch broke"):
            await it.call("tree.break_", how="raise")
        with pytest.raises(Failed, match=r"gardener\.break_below failed: ValueError") as caught:
            await it.call("gardener.break_below", how="raise")
        assert isinstance(caught.value.__cause__, Failed)
        assert caught.value.where == "gardener"


async def test_a_handler_that_answers_against_its_declaration_has_failed(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        with pytest.raises(Failed, match="against its declaration"):
            await it.call("tree.break_", how="lie")


@pytest.mark.parametrize("how", OUTRAGES)
async def test_a_mad_may_end_its_call_but_not_its_neighbours_nor_itself(troupe: Troupe, how: str) -> None:
    async with troupe(tree=serial("tree")) as it:
        for _ in range(2):
            with pytest.raises(Failed):
                await it.call("tree.break_", how=how, within=5)
        assert await it.mad(Tree).all() == []


async def test_an_answer_that_comes_after_the_deadline_is_late(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        with pytest.raises(DeadlineExceeded):
            await it.call("tree.block", seconds=0.4, within=0.1)


async def test_what_a_call_began_has_its_rights_and_no_more_once_it_has_ended(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        await it.mad(Tree).grow(Leaf("oak"))
        await it.call("gardener.fell_later", principal="anonymous")
        async with asyncio.timeout(5):
            while not await it.mad(Gardener).raked():
                await asyncio.sleep(0.02)
        assert [leaf.text for leaf in await it.mad(Gardener).raked()] == ["Denied"]
        assert await it.mad(Tree).all() == [Leaf("oak")]


async def test_a_destructive_tool_is_denied_to_the_anonymous_along_any_chain(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:
        await it.mad(Tree).grow(Leaf("oak"))
        with pytest.raises(Denied, match="destructive"):
            await it.call("tree.fell", principal="anonymous")
        with pytest.raises(Failed, match="destructive") as caught:
            await it.call("gardener.fell_below", principal="anonymous")
        assert isinstance(caught.value.__cause__, Denied)
        assert await it.call("tree.fell") == 1


async def test_a_full_inbox_is_overloaded_and_says_when_to_come_back(troupe: Troupe) -> None:
    async with troupe(tree=MadConfig("tests.behaviour.troupe:Tree", at_once=1, inbox=2)) as it:
        tasks = [asyncio.create_task(it.call("tree.sway", seconds=0.3)) for _ in range(8)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Overloaded)]
        assert answers.count("still") + len(refused) == 8
        assert len(refused) >= 4
        assert all(error.retry_after and error.retry_after > 0 for error in refused)


async def test_two_serial_mads_that_call_each_other_do_not_wait_for_themselves(troupe: Troupe) -> None:
    async with troupe(ping=serial("ping"), pong=serial("pong")) as it:
        assert await it.mad(Ping).rally(9) == 9


async def test_an_endless_rally_ends_in_an_error_of_a_readable_size(troupe: Troupe) -> None:
    async with troupe("ping", "pong") as it:
        with pytest.raises(CallError) as caught:
            await it.call("ping.rally", strokes=1_000_000)
        failure = failure_of(caught.value)
        assert len(encode(failure)) < 20_000
        assert isinstance(root_of(caught.value), Overloaded)


async def test_at_most_at_once_calls_are_handled_side_by_side(troupe: Troupe) -> None:
    async with troupe(tree=MadConfig("tests.behaviour.troupe:Tree", at_once=3)) as it:
        tasks = [asyncio.create_task(it.call("tree.sway", seconds=0.2)) for _ in range(7)]
        assert await until_running(it, "sway", 3)
        await asyncio.gather(*tasks)


async def test_a_stream_gives_its_items_in_order(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        assert [item async for item in it.mad(Tree).count(40)] == list(range(40))
        heard = Heard()
        assert await it.call("tree.count", upto=5, heard=heard) is None
        assert heard.items == [0, 1, 2, 3, 4]


async def test_leaving_a_stream_stops_its_handler_before_it_ran_ahead(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        async with aclosing(cast("AsyncGenerator[int]", it.mad(Tree).count(1_000_000))) as items:
            async for item in items:
                if item == 3:
                    break
        async with asyncio.timeout(5):
            while not (leaves := await it.mad(Tree).all()):
                await asyncio.sleep(0.01)
        assert int(leaves[0].text.removeprefix("stopped at ")) < 60


async def test_progress_reaches_the_caller(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        heard = Heard()
        assert await it.call("tree.sway", seconds=0, heard=heard) == "still"
        assert [(told.done, told.total) for told in heard.told] == [(1, 2), (2, 2)]


async def test_nobody_sees_a_change_that_was_made_after_sending(troupe: Troupe) -> None:
    async with troupe("tree", strict=False) as it:
        basket = Basket(["a"])
        task = asyncio.create_task(it.mad(Tree).change(basket))
        await asyncio.sleep(0.02)
        basket.leaves.append("b")
        assert await task == 1


async def test_heavy_work_runs_in_a_process_of_its_own(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        worker = await it.mad(Tree).work(1)
        assert worker not in {os.getpid(), await it.mad(Tree).where()}
