"""A handler asks and tells its caller things while it works: beside the answer in one era, in rounds in the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    EmptyResult,
    ListRootsResult,
    Root,
    SetLevelRequest,
    SetLevelRequestParams,
    TextContent,
)

from mads.gateway.answer import FAILURE
from mads.gateway.server import Running
from mads.testing.placed import Placed
from tests.gateway.desk import headers, request, talking
from tests.gateway.system import connected, gated
from tests.gateway.test_mcp_tools import text_of

COVERS = ("R-042",)

INQUIRER = {"inquirer": "tests.gateway.inquirer:Inquirer", "waiter": "tests.gateway.inquirer:Waiter"}
PLACES = ["here", pytest.param("process", marks=pytest.mark.slow)]
ORDER = {"name": "Ana", "size": "xs", "cups": 2}
DEBUG = SetLevelRequest(params=SetLevelRequestParams(level="debug"))
CAN: dict[str, Any] = {"elicitation": {}, "sampling": {}, "roots": {}}


class Person:
    """Somebody at a client, with a model and a folder."""

    def __init__(self, *answers: ElicitResult) -> None:
        self.asked: list[Any] = []
        self.lines: list[tuple[str, Any, str | None]] = []
        self._answers = list(answers)

    async def fill_in(self, _: Any, params: Any) -> ElicitResult:
        """Answer a form."""
        self.asked.append(params)
        return self._answers.pop(0)

    async def think(self, _: Any, params: Any) -> CreateMessageResult:
        """Have the model go on."""
        self.asked.append(params)
        return CreateMessageResult(role="assistant", content=TextContent(text="Paris"), model="small")

    async def folders(self, _: Any) -> ListRootsResult:
        """Return the folder."""
        return ListRootsResult(roots=[Root.model_validate({"uri": "file:///home"})])

    async def read(self, params: Any) -> None:
        """Read a line of the log."""
        self.lines.append((params.level, params.data, params.logger))

    def ways(self) -> dict[str, Any]:
        """Return what a client makes of this."""
        return {
            "elicitation_callback": self.fill_in,
            "sampling_callback": self.think,
            "list_roots_callback": self.folders,
            "logging_callback": self.read,
        }


def accepted(**content: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=content)


@asynccontextmanager
async def cafe(root: Path, era: str, person: Person, run: str = "here") -> AsyncGenerator[Client]:
    async with gated(root, run, **INQUIRER) as (_, running), connected(running, era, **person.ways()) as client:
        yield client


@pytest.mark.parametrize("run", PLACES)
async def test_a_person_is_asked_in_the_middle_of_a_tool(era: str, run: str, tmp_path: Path) -> None:
    person = Person(accepted(**ORDER))
    async with cafe(tmp_path, era, person, run) as client:
        assert text_of(await client.call_tool("inquirer_order")) == "2 xs for Ana"
        assert text_of(await client.call_tool("inquirer_starts")) == '["order"]'
    (asked,) = person.asked
    assert asked.message == "What may it be?"
    assert asked.requested_schema["required"] == ["name"]
    assert asked.requested_schema["properties"] == {
        "name": {"type": "string"},
        "size": {
            "type": "string",
            "oneOf": [{"const": "xs", "title": "Extra small"}, {"const": "l", "title": "Large"}],
            "default": "l",
        },
        "cups": {"type": "integer", "default": 1},
        "milk": {"type": "boolean", "default": False},
        "extras": {"type": "array", "items": {"type": "string", "enum": ["sugar", "cocoa"]}, "default": []},
    }


async def test_no_and_no_answer_are_values_and_nonsense_is_an_error(era: str, tmp_path: Path) -> None:
    person = Person(ElicitResult(action="decline"), ElicitResult(action="cancel"), accepted(name="Bo", cups="many"))
    async with cafe(tmp_path, era, person) as client:
        assert text_of(await client.call_tool("inquirer_order")) == "Declined"
        assert text_of(await client.call_tool("inquirer_order")) == "Cancelled"
        wrong = await client.call_tool("inquirer_order")
    assert wrong.is_error
    assert "answer to a question does not fit" in text_of(wrong)


@pytest.mark.parametrize("run", PLACES)
async def test_questions_follow_each_other_and_nothing_is_begun_twice(era: str, run: str, tmp_path: Path) -> None:
    person = Person(accepted(yes=True), accepted(yes=False))
    async with cafe(tmp_path, era, person, run) as client:
        assert text_of(await client.call_tool("inquirer_twice")) == "Sure(yes=True) Sure(yes=False)"
        assert text_of(await client.call_tool("inquirer_starts")) == '["twice"]'
    assert [asked.message for asked in person.asked] == ["Sure?", "Really?"]


async def test_a_model_and_folders_are_asked_for_side_by_side(era: str, tmp_path: Path) -> None:
    person = Person()
    async with cafe(tmp_path, era, person) as client:
        assert text_of(await client.call_tool("inquirer_together")) == "Paris by small in file:///home"
    (asked,) = person.asked
    assert (asked.system_prompt, asked.max_tokens) == ("Be brief.", 1000)
    assert asked.messages[0].content == TextContent(text="What is the capital of France?")


async def test_prompts_and_resources_may_ask_as_well(era: str, tmp_path: Path) -> None:
    person = Person(accepted(name="Ana"), ElicitResult(action="decline"))
    async with cafe(tmp_path, era, person) as client:
        (line,) = (await client.get_prompt("inquirer_greeting")).messages
        (bill,) = (await client.read_resource("cafe://bill")).contents
    assert line.content == TextContent(text="Greet Ana.")
    assert getattr(bill, "text", "") == "for Declined()"


async def test_who_cannot_be_asked_is_told_so(era: str, tmp_path: Path) -> None:
    person = Person()
    async with gated(tmp_path, **INQUIRER) as (system, running):
        async with connected(running, era, sampling_callback=person.think) as client:
            assert text_of(await client.call_tool("inquirer_whichever")) == "Paris"
            if era == "legacy":
                mute = await client.call_tool("inquirer_order")
                assert (mute.is_error, (mute.meta or {})[FAILURE]["code"]) == (True, "cannot_ask")
            else:
                with pytest.raises(MCPError, match="does not know elicitation/create") as caught:
                    await client.call_tool("inquirer_order")
                assert caught.value.code == -32021
                assert caught.value.error.data == {"requiredCapabilities": {"elicitation": {}}}
        async with connected(running, era, **person.ways()) as client:
            shy = await client.call_tool("inquirer_shy")
            below = await client.call_tool("waiter_order")
        assert "write @tool(interactive=True)" in text_of(shy)
        assert "takes no questions" in text_of(below)
        with pytest.raises(Exception, match="has no answer"):
            await system.call("inquirer.order")


async def test_a_client_reads_the_lines_that_matter_enough_to_it(era: str, tmp_path: Path) -> None:
    person, told = Person(), list[float]()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        told.append(progress)

    level: Any = {"io.modelcontextprotocol/logLevel": "debug"} if era == "auto" else {}
    async with cafe(tmp_path, era, person) as client:
        if era == "legacy":
            await client.session.send_request(DEBUG, EmptyResult)
        await client.call_tool("inquirer_work", meta=level, progress_callback=hear)
        async with asyncio.timeout(5):
            while len(person.lines) < 3 or len(told) < 2:
                await asyncio.sleep(0.01)
        if era == "auto":
            await client.call_tool("inquirer_work")
        await client.call_tool("inquirer_starts")
    assert person.lines == [
        ("debug", "very small", "inquirer"),
        ("info", {"message": "started", "step": 1}, "inquirer"),
        ("warning", "slow", "inquirer"),
    ]
    assert told == [1, 2]


async def asked(http: httpx2.AsyncClient, name: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    said = request(name, {}, **{"io.modelcontextprotocol/clientCapabilities": CAN})
    said["params"] |= params or {}
    answer: dict[str, Any] = (await http.post("/mcp", json=said, headers=headers(name))).json()
    return answer


@asynccontextmanager
async def rounds(root: Path) -> AsyncGenerator[tuple[Placed, Running, httpx2.AsyncClient]]:
    async with gated(root, **INQUIRER) as (system, running), talking(running) as http:
        yield system, running, http


YES = {"action": "accept", "content": {"yes": True}}


async def test_a_round_is_good_for_one_call_of_one_kind_and_once(tmp_path: Path) -> None:
    async with rounds(tmp_path) as (_, _, http):
        first = (await asked(http, "inquirer_twice"))["result"]
        assert first["resultType"] == "input_required"
        assert {*first["inputRequests"]} == {"question-1"}
        answers = {"inputResponses": {"question-1": YES, "else": YES}}
        for state in (first["requestState"] + "x", "nonsense", first["requestState"][:-4] + "AAAA"):
            assert (await asked(http, "inquirer_twice", answers | {"requestState": state}))["error"]["code"] == -32602
        for name in ("inquirer_order", "inquirer_starts"):
            elsewhere = await asked(http, name, answers | {"requestState": first["requestState"]})
            assert elsewhere["error"]["code"] == -32602
        again = (await asked(http, "inquirer_twice", {"requestState": first["requestState"]}))["result"]
        assert again["inputRequests"] == first["inputRequests"]
        second = (await asked(http, "inquirer_twice", answers | {"requestState": again["requestState"]}))["result"]
        assert {*second["inputRequests"]} == {"question-2"}
        for state in (first["requestState"], again["requestState"]):
            replayed = await asked(http, "inquirer_twice", answers | {"requestState": state})
            assert "call again, without requestState" in replayed["error"]["message"]
        last = {"inputResponses": {"question-2": YES}, "requestState": second["requestState"]}
        assert (await asked(http, "inquirer_twice", last))["result"]["resultType"] == "complete"
        assert "error" in await asked(http, "inquirer_twice", last)
        assert "error" in await asked(http, "inquirer_twice", {"inputResponses": {"question-1": 3}})


async def test_closing_the_stream_of_a_round_cancels_the_handler(tmp_path: Path) -> None:
    async with rounds(tmp_path) as (system, _, http):
        state = (await asked(http, "inquirer_wait"))["result"]["requestState"]
        answered = {"requestState": state, "inputResponses": {"question-1": YES}}
        assert (await asked(http, "inquirer_wait", answered))["result"]["resultType"] == "complete"
        call = asyncio.create_task(asked(http, "inquirer_sleep"))
        await _until(system, ["sleeping"])
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await _until(system, ["sleeping", "cancelled"])


async def test_answers_that_come_with_the_first_request_are_taken(tmp_path: Path) -> None:
    async with rounds(tmp_path) as (_, _, http):
        both = {"inputResponses": {"question-1": YES, "question-2": YES}}
        assert (await asked(http, "inquirer_twice", both))["result"]["resultType"] == "complete"


async def test_calls_whose_clients_stay_away_make_room_and_end_with_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mads.gateway.rounds.MOST", 2)
    async with gated(tmp_path, **INQUIRER) as (system, running):
        async with talking(running) as http:
            states = [(await asked(http, "inquirer_wait"))["result"]["requestState"] for _ in range(3)]
            assert "error" in await asked(http, "inquirer_wait", {"requestState": states[0]})
            await _until(system, ["cancelled"])
            await running.close()
        await _until(system, ["cancelled"] * 3)


async def _until(system: Placed, begun: list[str]) -> None:
    async with asyncio.timeout(5):
        while await system.call("inquirer.starts") != begun:
            await asyncio.sleep(0.02)
