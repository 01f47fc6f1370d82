"""What came back from a MAD, in the types of JSON, as MCP's content: of a result, of a resource, of a prompt."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from mads.wire.tools import ToolInfo

Block = dict[str, Any]

COMPLETIONS = 100
"""How many values a completion may have."""


def blocks(value: Any) -> list[Block]:
    """Return the pieces of content that `value` is, one piece or a list of them."""
    return [_block(piece) for piece in _pieces(value)]


def contents(tool: ToolInfo, uri: str, value: Any) -> list[Block]:
    """Return what stands at `uri`, as `tool` returned it."""
    if tool.content:
        return [_resource(piece) for piece in _pieces(value)]
    is_blob = (tool.output_schema or {}).get("contentEncoding") == "base64"
    if is_blob:
        return [{"uri": uri, "mimeType": tool.mime_type or "application/octet-stream", "blob": value}]
    if isinstance(value, str):
        return [{"uri": uri, "mimeType": tool.mime_type or "text/plain", "text": value}]
    return [{"uri": uri, "mimeType": tool.mime_type or "application/json", "text": msgspec.json.encode(value).decode()}]


def messages(value: Any) -> list[Block]:
    """Return the messages that a prompt returned; what is nobody's is the user's."""
    return [_message(piece) for piece in _pieces(value)]


def completion(values: list[str]) -> Block:
    """Return a completion; of too many values the first, and how many there are."""
    shown = values[:COMPLETIONS]
    return {"values": shown, "total": len(values), "hasMore": len(values) > len(shown)}


def _pieces(value: Any) -> list[Any]:
    return list(cast("Any", value)) if isinstance(value, list) else [value]


def _message(piece: Any) -> Block:
    if isinstance(piece, dict) and cast("Block", piece).get("type") == "message":
        return {"role": piece["role"], "content": _block(piece["content"])}
    return {"role": "user", "content": _block(piece)}


def _block(piece: Any) -> Block:
    if isinstance(piece, str):
        return {"type": "text", "text": piece}
    block = cast("Block", piece)
    return {"type": "resource", "resource": _resource(block)} if block["type"] == "resource" else block


def _resource(block: Block) -> Block:
    return {key: value for key, value in block.items() if key != "type"}
