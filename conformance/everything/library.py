"""The resources and prompts of the suite, by their names."""

from __future__ import annotations

import json
import re
from typing import Any

from conformance.everything.asking import Context, ask, elicitation
from conformance.everything.tools import IMAGE, PNG, TEXT, resource
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, GetPromptRequestParams

CACHED = {"ttlMs": 1000, "cacheScope": "public"}
WATCHED = "test://watched-resource"
STATIC: dict[str, dict[str, Any]] = {
    "test://static-text": {"mimeType": "text/plain", "text": "This is the content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PNG},
    WATCHED: {"mimeType": "text/plain", "text": "Watched resource content"},
}
RESOURCES = [{"uri": uri, "name": uri, "mimeType": found["mimeType"]} for uri, found in STATIC.items()]
TEMPLATES = [{"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"}]

_TEMPLATE = re.compile(r"test://template/([^/]+)/data")


def read(uri: str) -> dict[str, Any]:
    """Return what stands at `uri`."""
    if uri in STATIC:
        return {"uri": uri, **STATIC[uri]}
    if (found := _TEMPLATE.fullmatch(uri)) is None:
        raise MCPError(INVALID_PARAMS, "there is no such resource", {"uri": uri})
    said = json.dumps({"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"})
    return {"uri": uri, "mimeType": "application/json", "text": said}


ARGUMENTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}
PROMPTS = [
    {"name": name, "description": f"Is {name}.", "arguments": [{"name": each, "required": True} for each in arguments]}
    for name, arguments in ARGUMENTS.items()
]


async def prompt(context: Context, given: GetPromptRequestParams) -> list[dict[str, Any]]:
    """Return the messages of a prompt."""
    said = given.arguments or {}
    match given.name:
        case "test_simple_prompt":
            return [_words("This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            return [_words(f"Prompt with arguments: arg1='{said.get('arg1')}', arg2='{said.get('arg2')}'")]
        case "test_prompt_with_embedded_resource":
            embedded = resource(said["resourceUri"], "Embedded resource content for testing.", "text/plain")
            return [_message(embedded), _words("Please process the embedded resource above.")]
        case "test_prompt_with_image":
            return [_message(IMAGE), _words("Please analyze the image above.")]
        case "test_input_required_result_prompt":
            asked = {"user_context": elicitation("What context should the prompt use?", context=TEXT)}
            return [_words(f"Use this: {await ask(context, given, asked, state='asked')}")]
        case _:
            raise MCPError(INVALID_PARAMS, f"there is no prompt {given.name!r}")


def _message(content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": content}


def _words(said: str) -> dict[str, Any]:
    return _message({"type": "text", "text": said})
