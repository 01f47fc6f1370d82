"""A durable command is handled until it is done or given up, wherever sender and handler run.

Covers order, attempts, `once`, delays, time limits and dead letters. Does not cover the death of the core:
tests/host/test_commands_crash.py does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import pytest

from mads import Denied, InvalidMessage, Lost, NoResponder
from mads.testing.placed import Placed
from mads.wire.status import DeadLetter
from tests.behaviour.conftest import Troupe
from tests.behaviour.post import Courier, Desk, Letter, Seen

COVERS = ("R-041", "R-120")

T = TypeVar("T")
POST = {"courier": "tests.behaviour.post:Courier", "desk": "tests.behaviour.post:Desk"}
Post = Callable[[], AbstractAsyncContextManager[Placed]]


@pytest.fixture
def post(troupe: Troupe) -> Post:
    return lambda: troupe(**POST)


async def test_a_command_is_handled_in_the_name_of_its_sender(post: Post) -> None:
    async with post() as it:
        receipt = await it.mad(Courier, principal="ana").post(Letter("hello"), key="k")
        (seen,) = await _seen(it, 1)
        assert receipt == 1
        assert (seen.text, seen.attempt, seen.key, seen.who) == ("hello", 1, "k", "default/ana")


async def test_commands_of_one_key_are_handled_in_order_one_at_a_time(post: Post) -> None:
    async with post() as it:
        courier = it.mad(Courier)
        for number in range(6):
            await courier.post(Letter(f"{number}", "fail" if number == 1 else "0.01", times=2), key="k")
        seen = await _seen(it, 8)
        assert [(letter.text, letter.attempt) for letter in seen] == [
            *(("0", 1), ("1", 1), ("1", 2), ("1", 3)),
            *(("2", 1), ("3", 1), ("4", 1), ("5", 1)),
        ]
        course = [(busy.text, busy.begins) for busy in await it.mad(Desk).course() if busy.text != "1"]
        assert course[:2] == [("0", True), ("0", False)]
        assert course[2::2] == [(f"{number}", True) for number in range(2, 6)]


async def test_a_command_that_is_tried_again_holds_up_no_other_key(post: Post) -> None:
    async with post() as it:
        courier = it.mad(Courier)
        await courier.post(Letter("bad", "fail", times=2), key="a")
        await courier.post(Letter("behind"), key="a")
        for key in ("b", None):
            await courier.post(Letter("good"), key=key)
        texts = [seen.text for seen in await _seen(it, 6)]
        assert texts.index("behind") == 5
        assert max(place for place, text in enumerate(texts) if text == "good") < 4


async def test_a_command_of_one_once_is_handled_once(post: Post) -> None:
    async with post() as it:
        courier = it.mad(Courier)
        receipts = [await courier.post(Letter("first"), once="note-17") for _ in range(3)]
        assert len(set(receipts)) == 1
        await _seen(it, 1)
        assert await courier.post(Letter("second"), once="note-17") == receipts[0]
        await courier.post(Letter("last"))
        assert [seen.text for seen in await _seen(it, 2)] == ["first", "last"]


async def test_a_command_waits_as_long_as_it_was_told_to(post: Post) -> None:
    async with post() as it:
        courier, start = it.mad(Courier), time.monotonic()
        await courier.post(Letter("later"), after=0.4)
        await courier.post(Letter("now"))
        assert [seen.text for seen in await _seen(it, 2)] == ["now", "later"]
        assert time.monotonic() - start >= 0.4


@pytest.mark.parametrize(("how", "said"), [("reject", "rejected: nobody"), ("refuse", "invalid: no stamp")])
async def test_what_no_further_attempt_would_change_is_a_dead_letter_at_once(post: Post, how: str, said: str) -> None:
    async with post() as it:
        receipt = await it.mad(Courier).post(Letter("odd", how), key="k")
        (letter,) = await _dead(it, 1)
        assert (letter.id, letter.tool, letter.sender, letter.attempts) == (receipt, "desk.read", "courier", 1)
        assert letter.why.startswith(said)
        await it.mad(Courier).post(Letter("next"), key="k")
        assert [seen.text for seen in await _seen(it, 2)] == ["odd", "next"]


async def test_a_command_whose_time_has_passed_is_a_dead_letter(post: Post) -> None:
    async with post() as it:
        await it.mad(Courier).post(Letter("late", "fail"), within=0.15)
        (letter,) = await _dead(it, 1)
        assert letter.why.startswith("it was not done within its time; failed: ValueError: bad handwriting")
        await it.mad(Courier).post(Letter("slow", "hang"), within=0.3)
        assert "late: " in (await _dead(it, 2))[1].why
        await it.mad(Courier).post(Letter("never", "fail"), within=0)
        assert (await _dead(it, 3))[2].why == "it was not done within its time; it was not tried"


async def test_a_dead_letter_can_be_seen_tried_again_and_forgotten(post: Post) -> None:
    async with post() as it:
        courier = it.mad(Courier)
        first = await courier.post(Letter("odd", "reject", times=1))
        second = await courier.post(Letter("bad", "reject"), within=5)
        await _dead(it, 2)
        shown = await it.call("steward.dead_show", letter=second)
        assert shown["body"] == {"letter": {"text": "bad", "how": "reject", "times": 1_000}}
        assert shown["principal"] == "tester"
        await it.call("steward.dead_retry", letter=first)
        assert [(seen.text, seen.attempt) for seen in await _seen(it, 3)][-1] == ("odd", 2)
        with pytest.raises(Denied, match="destructive"):
            await it.call("steward.dead_drop", letter=second, principal="anonymous")
        await it.call("steward.dead_drop", letter=second)
        assert await _dead(it, 0) == []
        for verb in ("dead_show", "dead_retry", "dead_drop"):
            with pytest.raises(InvalidMessage, match=f"no dead letter {first}; mads dead list"):
                await it.call(f"steward.{verb}", letter=first)


async def test_dead_letters_are_chosen_retried_and_dropped_together(post: Post) -> None:
    async with post() as it:
        courier = it.mad(Courier)
        for text in ("a", "b", "c"):
            await courier.post(Letter(text, "reject", times=1))
        await courier.post(Letter("d", "refuse"))
        await _dead(it, 4)
        assert {status.mad: (status.commands, status.dead) for status in await it.system.status()} == {
            "courier": (0, 0),
            "desk": (0, 4),
            "steward": (0, 0),
        }
        for which, count in (
            ({"why": "stamp"}, 1),
            ({"tool": "desk"}, 4),
            ({"tool": "courier"}, 0),
            ({"sender": "x"}, 0),
        ):
            found = await it.call("steward.dead_list", which=which)
            assert (len(found["letters"]), found["more"]) == (count, 0)
        with pytest.raises(InvalidMessage, match="there is no MAD 'des'"):
            await it.call("steward.dead_list", which={"tool": "des"})
        assert await it.call("steward.dead_drop_all", which={"older_than": 3600.0}) == 0
        assert await it.call("steward.dead_retry_all", which={"why": "nobody"}) == 3
        assert len(await _seen(it, 7)) == 7
        assert await it.call("steward.dead_drop_all") == 1
        assert await _dead(it, 0) == []
        assert [status.dead for status in await it.system.status()] == [0, 0, 0]


async def test_a_list_of_dead_letters_says_how_many_more_there_are(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mads.host.commands.dead.LISTED", 2)
    async with post() as it:
        for text in ("a", "b", "c"):
            await it.mad(Courier).post(Letter(text, "reject"))
        async with asyncio.timeout(20):
            while (found := await it.call("steward.dead_list"))["more"] != 1:
                await asyncio.sleep(0.02)
        assert [letter["id"] for letter in found["letters"]] == [1, 2]


async def test_a_mad_sends_a_command_to_a_tool_of_its_own(post: Post) -> None:
    async with post() as it:
        assert await it.mad(Courier).remind("later") == 1
        assert [seen.text for seen in await _seen(it, 1)] == ["later command-1 1"]
        with pytest.raises(InvalidMessage, match=r"Courier\._hidden is no tool; write @tool above it"):
            await it.mad(Courier).stray()


async def test_what_can_be_no_command_is_refused_and_never_kept(post: Post) -> None:
    async with post() as it:
        for bad, said in (("stream", "streams"), ("mistake", "Expected `object`, got `int`")):
            with pytest.raises(InvalidMessage, match=said):
                await it.call(f"courier.{bad}")
        with pytest.raises(InvalidMessage, match="after is -1"):
            await it.mad(Courier).post(Letter("never"), after=-1)
        with pytest.raises(InvalidMessage, match="key has 600 characters"):
            await it.mad(Courier).post(Letter("never"), key="k" * 600)
        assert await it.mad(Courier).post(Letter("first")) == 1


async def test_what_was_sent_is_handled_after_a_stop_in_its_middle(post: Post) -> None:
    async with post() as it:
        await it.mad(Courier).post(Letter("long", "hang", times=1), key="k")
        await it.mad(Courier).post(Letter("behind"), key="k")
        await it.mad(Courier).post(Letter("later"), after=0.5)
        await _seen(it, 1)
    async with post() as it:
        seen = [(letter.text, letter.attempt) for letter in await _seen(it, 4)]
        assert [it for it in seen if it[0] != "later"] == [("long", 1), ("long", 2), ("behind", 1)]
        assert ("later", 1) in seen
        assert await _dead(it, 0) == []


@pytest.mark.slow
async def test_a_child_that_dies_over_a_command_gets_it_again(post: Post, placement: str) -> None:
    if placement == "process":
        async with post() as it:
            await it.mad(Courier).post(Letter("deadly", "exit", times=1), key="k")
            await it.mad(Courier).post(Letter("behind"), key="k")
            seen = await _seen(it, 3)
            assert [(letter.text, letter.attempt) for letter in seen] == [("deadly", 1), ("deadly", 2), ("behind", 1)]
            assert len({letter.pid for letter in seen}) == 2


async def _seen(it: Placed, count: int) -> list[Seen]:
    return await _until(it.mad(Desk).all, count)


async def _dead(it: Placed, count: int) -> list[DeadLetter]:
    return await _until(lambda: _letters(it), count)


async def _letters(it: Placed) -> list[DeadLetter]:
    return list((await it.system.dead.oldest()).letters)


async def _until(ask: Callable[[], Awaitable[list[T]]], count: int) -> list[T]:
    async with asyncio.timeout(20):
        while True:
            try:
                if len(found := await ask()) == count:
                    return found
            except (Lost, NoResponder):
                pass  # its process has just died, and comes again
            await asyncio.sleep(0.02)
