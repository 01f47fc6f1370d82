"""A conversation of many: who is mentioned hears it, who took part may read it, and it outlives the system.

Covers mentions, threads, history and who may read it, in every placement. Does not cover the command line.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mads import Denied, InvalidMessage
from mads.host.caller import Caller
from mads.host.config import CONTROL
from mads.host.history.conversations import RESERVED
from mads.host.talk.exchange import ASKED
from mads.testing.placed import Placed, known_as
from mads.wire import codec
from mads.wire.errors import Overloaded
from mads.wire.failure import error_of
from tests.behaviour.conftest import Troupe

COVERS = ("R-025",)

TABLE = {name: f"tests.behaviour.table:{name.capitalize()}" for name in ("ana", "bo", "cy", "dee", "mute")}


async def ask(it: Placed, tool: str, **arguments: Any) -> Any:
    """Call a tool that has an argument `conversation` of its own."""
    caller = Caller(known_as("tester"))
    reply = await it.bus.request(caller.call(f"mads.{tool}", codec.raw(arguments), timeout=60))
    if reply.failure is not None:
        raise error_of(reply.failure)
    return codec.plain(codec.decode(codec.raw(reply.body), Any))


async def say(it: Placed, text: str, conversation: str = "42", **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = await ask(it, "steward.say", text=text, conversation=conversation, **more)
    return said


async def history(it: Placed, conversation: str = "42", **more: Any) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = await ask(it, "steward.conversations_show", conversation=conversation, **more)
    return turns


async def test_whom_a_turn_mentions_hears_it_and_whom_that_mentions_too(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        said = await say(it, "@ana ask bo, and tell tester@example.org")

        assert [(one["by"], one["to"], one["text"]) for one in said["answers"]] == [
            ("ana", "tester", "@bo what do you say? Write to bo@example.org."),
            ("bo", "ana", "bo is here"),
        ]
        assert said["notes"] == []
        assert [(one["turn"], one["by"], one["text"], one["replies_to"]) for one in await history(it)] == [
            (1, "tester", "@ana ask bo, and tell tester@example.org", 0),
            (2, "ana", "@bo what do you say? Write to bo@example.org.", 1),
            (3, "bo", "bo is here", 2),
        ]


async def test_what_is_said_to_nobody_stands_there_all_the_same(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        said = await say(it, "good morning, everybody")

        assert (said["answers"], said["notes"]) == ([], [])
        assert [one["text"] for one in await history(it)] == ["good morning, everybody"]


async def test_whoever_is_not_there_or_hears_no_prose_is_told_of(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        said = await say(it, "@anna, @mute and @bo: see `@tool` and team@bo.example, @scope/pkg")

        assert [one["text"] for one in said["answers"]] == ["bo is here"]
        assert said["notes"] == [
            "nobody is called @anna; did you mean @ana?",
            "@mute hears no prose: it has no @prose handler; call its tools (mads show mute)",
        ]


async def test_who_fails_does_not_keep_the_others_from_answering(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        said = await say(it, "@bo fail, @ana go on")

        first, second = said["answers"]
        assert (first["by"], first["outcome"], first["why"]) == ("bo", "failed", "ValueError: a cold")
        assert (second["by"], second["text"]) == ("ana", "ana heard 2 mentions")
        assert [one["label"] for one in await history(it)] == ["ok", "failed", "ok"]


async def test_those_who_mention_each_other_for_ever_come_to_an_end(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        said = await say(it, "@cy begin")

        assert len(said["answers"]) <= ASKED
        assert any("is not asked: the exchange has passed through" in note for note in said["notes"])


async def test_a_typed_call_is_a_turn(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        await say(it, "@bo call")

        _, answer, call = await history(it)
        assert answer["text"] == "ana runs in True"
        assert (call["by"], call["to"], call["tool"], call["asked"]) == ("bo", "ana", "ana.pid", {})
        assert type(call["answered"]) is int


async def test_a_reply_belongs_to_its_thread(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        await say(it, "the weather")
        first = await say(it, "the release")
        await say(it, "@bo is it Friday?", thread=first["turn"])
        await say(it, "@bo or Monday?", thread="2")

        thread = await history(it, thread="2")
        assert [one["text"] for one in thread] == [
            *("the release", "@bo is it Friday?", "bo is here", "@bo or Monday?", "bo is here"),
        ]
        assert {one["thread"] for one in thread[1:]} == {first["turn"]}
        with pytest.raises(InvalidMessage, match="no turn here has the number or id 'x'; mads conv"):
            await say(it, "and?", thread="x")


async def test_a_mad_reads_what_was_said_before_and_after_a_restart_too(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        await say(it, "@bo hello")
        said = await say(it, "@ana history")
        assert said["answers"][0]["text"] == "tester: at bo hello | bo: bo is here"
    async with troupe(**TABLE) as it:
        said = await say(it, "@ana history, again")
        assert said["answers"][0]["text"].startswith(
            "tester: at bo hello | bo: bo is here | tester: at ana history | ana: "
        )
        assert [one["turn"] for one in await history(it)] == [1, 2, 3, 4, 5, 6]


async def test_who_took_no_part_is_denied(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        await say(it, "@ana hello")

        assert [one["text"] for one in await ask(it, "ana.look", conversation="42")] == [
            *("@ana hello", "ana heard 1 mentions"),
        ]
        assert await ask(it, "cy.look", conversation="42") == "cy took no part in conversation '42'"
        assert await ask(it, "cy.look", conversation="43") == "cy took no part in conversation '43'"
        with pytest.raises(InvalidMessage, match="there is no conversation '43' on record"):
            await history(it, "43")
        with pytest.raises(InvalidMessage, match="'4 2' is no conversation"):
            await history(it, "4 2")


async def test_a_mad_speaks_where_it_took_part_and_begins_a_conversation_of_its_own(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        assert await ask(it, "ana.tell", text="@bo psst", conversation="42") == "ana took no part in conversation '42'"
        await say(it, "@ana hello")
        await ask(it, "ana.tell", text="@bo hello", conversation="42")
        new = await ask(it, "ana.tell", text="@bo hello")

        assert [(one["by"], one["text"]) for one in (await history(it))[2:]] == [
            *(("ana", "@bo hello"), ("bo", "bo is here")),
        ]
        assert [one["by"] for one in await history(it, new["conversation"])] == ["ana", "bo"]
        assert [one["by"] for one in await ask(it, "ana.look", conversation=new["conversation"])] == ["ana", "bo"]


async def test_conversations_are_listed_with_those_who_took_part(troupe: Troupe) -> None:
    async with troupe(**TABLE) as it:
        await say(it, "@ana hello", "1")
        await say(it, "@bo fail", "2")

        first, second = await ask(it, "steward.conversations_list")
        assert (first["id"], first["participants"], first["turns"]) == ("1", ["tester", "ana"], 2)
        assert (second["id"], second["participants"], second["labels"]) == (
            "2",
            ["tester", "bo"],
            {"failed": 1, "ok": 1},
        )
        assert [one["id"] for one in await ask(it, "steward.conversations_list", mad="bo")] == ["2"]
        assert await ask(it, "steward.conversations_list", since="2999-01-01") == []
        with pytest.raises(Denied, match="may not see what is tenant 'umbrella'"):
            await ask(it, "steward.conversations_list", tenant="umbrella")


async def test_those_who_wait_for_an_answer_keep_nobody_from_looking_on(troupe: Troupe) -> None:
    room = CONTROL.places - RESERVED
    async with troupe(muse="tests.behaviour.table:Muse") as it:
        talking = [asyncio.create_task(say(it, "@muse hello", str(number))) for number in range(room + 10)]
        async with asyncio.timeout(10):
            while sum(task.done() for task in talking) < 10:
                await asyncio.sleep(0.01)
            assert {status["mad"] for status in await it.call("steward.ps")} == {"muse", "steward"}
        refused = [task for task in talking if task.done()]
        assert len(refused) == 10
        for task in refused:
            assert isinstance(error := task.exception(), Overloaded)
            assert str(error).endswith("60 exchanges go on already; say it again soon")
        for task in talking:
            task.cancel()
        await asyncio.wait(talking)
        async with asyncio.timeout(10):
            while (await it.running("steward"))["say"]:
                await asyncio.sleep(0.01)
        assert (await say(it, "nobody in particular", "43"))["answers"] == []
