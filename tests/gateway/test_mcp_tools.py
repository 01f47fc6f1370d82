"""What an MCP client of either era sees of the tools, and gets when it calls one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mcp import MCPError
from mcp_types import CallToolResult, TextContent

from mads.gateway.answer import FAILURE
from mads.gateway.server import serve
from mads.wire.errors import ConfigError
from tests.gateway.desk import MODERN, OLDER, Desk, client, tool

COVERS = ("R-023", "R-025", "R-029", "R-042")


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_tools_are_listed_in_order_under_names_that_every_host_accepts(era: str) -> None:
    async with client(Desk(), era) as it:
        names = [offer.name for offer in (await it.list_tools()).tools]
        assert names == sorted(names)
        assert set(names) > {"attic_echo", "desk_echo", "desk_count"}


async def test_a_tool_says_what_it_takes_returns_and_does(era: str) -> None:
    async with client(Desk(), era) as it:
        offers = {offer.name: offer for offer in (await it.list_tools()).tools}
        echo, climb = offers["desk_echo"], offers["desk_climb"]
        assert echo.meta == {"mads/tool": "mads.desk.echo"}
        assert echo.annotations is not None
        assert (echo.annotations.read_only_hint, echo.annotations.idempotent_hint) == (True, True)
        assert offers["desk_forget"].annotations is not None
        assert offers["desk_forget"].annotations.destructive_hint is True
        assert climb.input_schema["properties"] == {"number": {"type": "integer"}}
        assert echo.output_schema is not None
        assert echo.output_schema["properties"] == {"result": {"type": "string"}}


async def test_each_era_is_served_under_one_name_and_version(era: str) -> None:
    async with client(Desk(), era) as it:
        assert it.protocol_version == {"legacy": OLDER, "auto": MODERN}[era]
        assert it.server_info is not None
        assert it.server_info.name == "mads"
        assert it.server_info.version


@pytest.mark.parametrize("name", ["desk_echo", "desk.echo", "mads.desk.echo"])
async def test_a_tool_answers_to_each_of_its_names(era: str, name: str) -> None:
    desk = Desk()
    async with client(desk, era) as it:
        result = await it.call_tool(name, {"text": "hi"})
    assert (text_of(result), result.structured_content) == ("hi", {"result": "hi"})
    assert desk.asked[0]["tool"] == "mads.desk.echo"


async def test_an_object_is_answered_as_text_and_as_structure(era: str) -> None:
    async with client(Desk(), era) as it:
        result = await it.call_tool("desk_split", {"text": "a b"})
    assert (text_of(result), result.structured_content) == ('{"words":["a","b"]}', {"words": ["a", "b"]})


async def test_the_caller_is_anonymous_and_brings_its_trace_and_conversation(era: str) -> None:
    desk = Desk()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    meta: Any = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "mads/conversation": "c-1", "mads/notes": "for Ana"}
    nonsense: Any = {"traceparent": "nonsense", "mads/conversation": 7}
    async with client(desk, era) as it:
        await it.call_tool("desk_echo", {"text": "hi"}, meta=meta)
        await it.call_tool("desk_echo", {"text": "hi"}, meta=nonsense)
    first, second = desk.asked
    assert (first["identity"].principal, first["conversation"], second["conversation"]) == ("anonymous", "c-1", None)
    assert (first["origin"].trace, first["origin"].parent) == (trace, "00f067aa0ba902b7")
    assert (len(second["origin"].trace), second["origin"].parent) == (32, "")
    assert (first["notes"], second["notes"]) == ("for Ana", None)
    assert first["request"] != second["request"]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("desk_echo", {}, "write 'text'"),
        ("desk_echo", {"text": 3}, "'text' must be string, not 3"),
        ("desk_echo", {"text": "a", "txt": 1}, "there is no 'txt', only 'text'"),
        ("desk_climb", {"number": "three"}, "'number' must be integer, not 'three'"),
    ],
)
async def test_wrong_arguments_are_told_by_name_with_what_was_expected(
    era: str, name: str, arguments: dict[str, Any], told: str
) -> None:
    desk = Desk()
    async with client(desk, era) as it:
        result = await it.call_tool(name, arguments)
    assert result.is_error
    assert told in text_of(result)
    assert desk.asked == []


async def test_a_failure_is_a_result_with_its_reason_code_and_request(era: str) -> None:
    desk = Desk()
    async with client(desk, era) as it:
        denied = await it.call_tool("desk_forget")
        crowded = await it.call_tool("desk_crowd")
    request = desk.asked[0]["request"]
    assert denied.is_error
    assert text_of(denied) == f"desk.forget is destructive and the caller is anonymous (denied, request {request})"
    assert denied.meta is not None
    assert denied.meta[FAILURE]["code"] == "denied"
    assert denied.meta[FAILURE]["request"] == request
    assert "try again in 2 s" in text_of(crowded)
    assert crowded.meta is not None
    assert crowded.meta[FAILURE]["cause"]["message"] == "TimeoutError: a queue"


async def test_an_unknown_tool_is_a_protocol_error(era: str) -> None:
    async with client(Desk(), era) as it:
        with pytest.raises(MCPError, match="Unknown tool: 'desk_sing'") as caught:
            await it.call_tool("desk_sing")
    assert caught.value.code == -32602


async def test_a_client_that_asks_hears_of_progress(era: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with client(Desk(), era) as it:
        await it.call_tool("desk_climb", {"number": 3}, progress_callback=hear)
    assert heard == sorted(heard)
    assert heard[-1] == (3, 3, "step 3")


async def test_the_items_of_a_stream_come_as_progress_and_together_as_the_result(era: str) -> None:
    heard: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del total
        heard.append((progress, message))

    async with client(Desk(), era) as it:
        result = await it.call_tool("desk_count", {"number": 3}, progress_callback=hear)
        quiet = await it.call_tool("desk_count", {"number": 3})
    assert heard == [(1, "0"), (2, "1"), (3, "2")]
    assert result.structured_content == quiet.structured_content == {"result": [0, 1, 2]}


async def test_a_client_that_gives_up_cancels_the_handler(era: str) -> None:
    desk = Desk()
    async with client(desk, era) as it:
        call = asyncio.create_task(it.call_tool("desk_wait"))
        await desk.started.wait()
        call.cancel()
        await desk.cancelled.wait()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert text_of(await it.call_tool("desk_echo", {"text": "still here"})) == "still here"


async def test_a_tool_that_is_new_behind_the_door_is_listed_and_called(era: str) -> None:
    desk = Desk()
    async with client(desk, era) as it:
        desk.offers = [*desk.offers, tool("cellar", "echo", {"type": "object"})]
        assert text_of(await it.call_tool("cellar_echo", {"text": "hi"})) == "hi"
        assert "cellar_echo" in [offer.name for offer in (await it.list_tools()).tools]


async def test_a_system_that_has_ended_is_an_error_and_no_empty_list(era: str) -> None:
    desk = Desk()
    async with client(desk, era) as it:
        desk.gone = True
        with pytest.raises(MCPError, match="start it again"):
            await it.list_tools(cache_mode="refresh")
        with pytest.raises(MCPError, match="start it again"):
            await it.call_tool("desk_echo", {"text": "hi"})


async def test_names_that_no_client_could_tell_apart_are_refused_at_the_start() -> None:
    desk = Desk()
    desk.offers = [tool("a", "b_c", {"type": "object"}), tool("a_b", "c", {"type": "object"})]
    with pytest.raises(ConfigError, match="could not tell"):
        await serve(desk, port=0)
