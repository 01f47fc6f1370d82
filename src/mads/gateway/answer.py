"""A call through the door, answered in MCP's terms: a result, or a failure that says why and under which id."""

from __future__ import annotations

from typing import Any

import msgspec

from mads.wire.errors import CallError
from mads.wire.failure import failure_of

Answer = dict[str, Any]
"""A `CallToolResult` of MCP 2026-07-28 as it stands in JSON; for older clients the SDK drops what they do not know."""

FAILURE = "mads/failure"
"""The key of `_meta` that holds a `Failure` in full."""


def result(value: Any, *, structured: bool, wrapped: bool) -> Answer:
    """Return the answer that carries `value`: as text, and `structured` for a tool that says what it returns."""
    answer = _text(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    if structured:
        answer["structuredContent"] = {"result": value} if wrapped else value
    return answer


def failure(error: CallError, request: str) -> Answer:
    """Return the answer that carries `error`: readable as text, in full under `_meta`.

    Not as structured content, which some clients hold against the tool's output schema even when it is an error.
    """
    told = failure_of(error, request=request)
    again = "" if told.retry_after is None else f"; try again in {told.retry_after:g} s"
    answer = _text(f"{told.message}{again} ({told.code}, request {told.request})")
    return {**answer, "isError": True, "_meta": {FAILURE: msgspec.to_builtins(told)}}


def _text(text: str) -> Answer:
    return {"resultType": "complete", "content": [{"type": "text", "text": text}]}
