"""Tools and forms for a small model, as a grammar that leaves it no other words.

Such a model knows no protocol for tools: it is offered a form, in which it either names one and its arguments or
answers. And it stops nowhere by itself: every text and list in the form has an end.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from mads.duos.fiedler.port import Answered
from mads.wire.model import ModelMessage, ModelRequest, ToolCall

TEXT, ITEMS = 400, 8
"""How long a text and a list may get of which the form does not say."""


def emulated(request: ModelRequest) -> ModelRequest:
    """Return the request as such a model understands it."""
    if request.schema is None and not request.tools:
        return request
    form = {"type": "string", "maxLength": TEXT} if request.schema is None else bounded(request.schema)
    if not request.tools:
        return replace(request, schema=form)
    options = [_wish(tool.name, bounded(tool.schema)) for tool in request.tools]
    answer = {"type": "object", "properties": {"answer": form}, "required": ["answer"], "additionalProperties": False}
    told = "\n".join(f"- {tool.name}: {tool.description}" for tool in request.tools)
    rule = ModelMessage("system", f"Either name a tool and its arguments, or answer. The tools:\n{told}")
    return replace(
        request, messages=(rule, *map(_flat, request.messages)), tools=(), schema={"anyOf": [*options, answer]}
    )


def wished(answered: Answered, request: ModelRequest) -> Answered:
    """Return what such a model answered as any other would have."""
    if not request.tools:
        return answered
    try:
        said: dict[str, Any] = msgspec.json.decode(answered.text, type=dict[str, Any])
    except msgspec.MsgspecError:
        return answered
    if "tool" in said:
        call = ToolCall(f"wish-{len(request.messages)}", said["tool"], said.get("arguments", {}))
        return replace(answered, text="", calls=(call,), finish="tool_calls")
    answer = said.get("answer", "")
    return replace(answered, text=answer if isinstance(answer, str) else msgspec.json.encode(answer).decode())


def bounded(schema: Any) -> Any:
    """Return a JSON Schema in which every text and every list has an end."""
    if isinstance(schema, list):
        return [bounded(each) for each in schema]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {key: bounded(value) for key, value in schema.items()}  # pyright: ignore[reportUnknownVariableType]
    match found.get("type"):
        case "string" if "enum" not in found:
            found.setdefault("maxLength", TEXT)
        case "array":
            found.setdefault("maxItems", ITEMS)
        case _:
            pass
    return found


def _wish(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"tool": {"const": name}, "arguments": schema},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def _flat(message: ModelMessage) -> ModelMessage:
    """Return a message in words: its wishes and their results."""
    if message.role == "tool":
        return ModelMessage("user", f"The tool returned: {message.text}")
    if message.calls:
        calls = [{"tool": call.name, "arguments": call.arguments} for call in message.calls]
        return ModelMessage("assistant", msgspec.json.encode(calls[0]).decode())
    return message
