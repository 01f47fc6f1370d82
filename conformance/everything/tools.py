"""The tools of the suite, by their names: content of each kind, what is told meanwhile, and what is asked back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from conformance.everything.asking import Context, Pending, Question, able, ask, elicitation, sampling
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, InputRequiredResult, ListRootsRequest

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="

Block = dict[str, Any]
Tool = Callable[[Context, CallToolRequestParams], Awaitable[list[Block]]]

TEXT = {"type": "string"}
CONFIRM = elicitation("Please confirm", ok={"type": "boolean"})
NAME = elicitation("What is your name?", name=TEXT)


def text(said: object) -> list[Block]:
    """Return content that is text."""
    return [{"type": "text", "text": str(said)}]


def resource(uri: str, said: str, kind: str) -> Block:
    """Return a resource as content."""
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": said}}


IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}
CONTENT = {
    "test_simple_text": text("This is a simple text response for testing."),
    "test_image_content": [IMAGE],
    "test_audio_content": [{"type": "audio", "data": WAV, "mimeType": "audio/wav"}],
    "test_embedded_resource": [
        resource("test://embedded-resource", "This is an embedded resource content.", "text/plain")
    ],
    "test_multiple_content_types": [
        *text("Multiple content types test:"),
        IMAGE,
        resource("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ],
    "json_schema_2020_12_tool": text("taken"),
}
"""What tools say that need to know nothing."""

DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
OPTIONS = [f"option{n}" for n in (1, 2, 3)]
TITLED = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
CHOICES = {
    "untitledSingle": {"type": "string", "enum": OPTIONS},
    "titledSingle": {"type": "string", "oneOf": TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}
QUESTIONS: dict[str, dict[str, Question]] = {
    "test_elicitation_sep1034_defaults": {"defaults": elicitation("Please look it over", **DEFAULTS)},
    "test_elicitation_sep1330_enums": {"choices": elicitation("Please choose", **CHOICES)},
    "test_missing_capability": {"anything": sampling("Anything")},
    "test_input_required_result_elicitation": {"user_name": NAME},
    "test_input_required_result_sampling": {"capital_question": sampling("What is the capital of France?")},
    "test_input_required_result_list_roots": {"client_roots": ListRootsRequest()},
    "test_input_required_result_tampered_state": {"confirm": CONFIRM},
    "test_input_required_result_multiple_inputs": {
        "user_name": NAME,
        "greeting": sampling("Generate a greeting"),
        "client_roots": ListRootsRequest(),
    },
}
"""What tools ask that say what they were answered."""


async def call(context: Context, given: CallToolRequestParams) -> list[Block] | InputRequiredResult:
    """Return what a tool says, or what it asks."""
    try:
        if given.name in CONTENT:
            return CONTENT[given.name]
        if given.name in QUESTIONS:
            answers = await ask(context, given, QUESTIONS[given.name], state="asked")
            return text({name: answer.model_dump(mode="json") for name, answer in answers.items()})
        if given.name not in OTHERS:
            raise MCPError(INVALID_PARAMS, f"there is no tool {given.name!r}")
        return await OTHERS[given.name](context, given)
    except Pending as pending:
        return pending.result


async def _logging(context: Context, _: CallToolRequestParams) -> list[Block]:
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message(  # pyright: ignore[reportDeprecated]  both revisions have it
            "info", line, related_request_id=context.request_id
        )
        await asyncio.sleep(0.05)
    return text("done")


async def _progress(context: Context, _: CallToolRequestParams) -> list[Block]:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100, f"Completed step {done} of 100")
        await asyncio.sleep(0.05)
    return text("done")


async def _streaming(context: Context, given: CallToolRequestParams) -> list[Block]:
    await context.session.report_progress(1, 2)
    await asyncio.sleep(0.05)
    return text(await ask(context, given, {"confirm": CONFIRM}))


async def _header(_: Context, given: CallToolRequestParams) -> list[Block]:
    return text((given.arguments or {}).get("region", ""))


async def _error(_: Context, __: CallToolRequestParams) -> list[Block]:
    raise RuntimeError("This tool intentionally returns an error for testing")


async def _sampling(context: Context, given: CallToolRequestParams) -> list[Block]:
    answers = await ask(context, given, {"answer": sampling(str((given.arguments or {})["prompt"]))})
    return text(f"LLM response: {answers['answer']}")


async def _elicitation(context: Context, given: CallToolRequestParams) -> list[Block]:
    said = str((given.arguments or {})["message"])
    answers = await ask(context, given, {"who": elicitation(said, username=TEXT, email=TEXT)})
    return text(f"User response: {answers['who']}")


async def _state(context: Context, given: CallToolRequestParams) -> list[Block]:
    answers = await ask(context, given, {"confirm": CONFIRM}, state="asked")
    return text(f"state-ok: {answers['confirm']}")


async def _rounds(context: Context, given: CallToolRequestParams) -> list[Block]:
    if not (given.request_state or "").startswith("first:"):
        answers = await ask(context, given, {"step1": elicitation("Step 1: What is your name?", name=TEXT)}, "begun")
        given = given.model_copy(update={"request_state": f"first:{answers['step1']}", "input_responses": None})
    colour = {"step2": elicitation("Step 2: What is your favorite color?", color=TEXT)}
    answers = await ask(context, given, colour, given.request_state or "")
    return text(f"{given.request_state} {answers['step2']}")


async def _able(context: Context, given: CallToolRequestParams) -> list[Block]:
    question = NAME if "elicitation" in able(context) else sampling("What is your name?")
    return text(await ask(context, given, {"asked": question}))


OTHERS: dict[str, Tool] = {
    "test_tool_with_logging": _logging,
    "test_logging_tool": _logging,
    "test_tool_with_progress": _progress,
    "test_streaming_elicitation": _streaming,
    "test_x_mcp_header": _header,
    "test_error_handling": _error,
    "test_sampling": _sampling,
    "test_elicitation": _elicitation,
    "test_input_required_result_request_state": _state,
    "test_input_required_result_multi_round": _rounds,
    "test_input_required_result_capabilities": _able,
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "test_x_mcp_header": {"properties": {"region": {**TEXT, "x-mcp-header": "Region"}}},
    "test_sampling": {"properties": {"prompt": TEXT}, "required": ["prompt"]},
    "test_elicitation": {"properties": {"message": TEXT}, "required": ["message"]},
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"address": {"type": "object", "properties": {"street": TEXT, "city": TEXT}}},
        "properties": {"name": TEXT, "address": {"$ref": "#/$defs/address"}},
        "additionalProperties": False,
    },
}
"""What tools take, where they take anything."""


def schema(name: str) -> dict[str, Any]:
    """Return what a tool takes, as JSON Schema."""
    return {"type": "object", **SCHEMAS.get(name, {})}


def listed() -> list[dict[str, Any]]:
    """Return every tool, as MCP lists it."""
    names = sorted({*CONTENT, *QUESTIONS, *OTHERS})
    return [{"name": name, "description": f"Does {name}.", "inputSchema": schema(name)} for name in names]
