"""A call through the door, answered in MCP's terms: a result, or a failure that says why and under which id."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from mads.gateway import content
from mads.wire.codec import MAX_BYTES
from mads.wire.errors import CallError, Failed
from mads.wire.failure import Failure, failure_of

Answer = dict[str, Any]
"""A `CallToolResult` of MCP 2026-07-28 as it stands in JSON; for older clients the SDK drops what they do not know."""

FAILURE = "mads/failure"
"""The key of `_meta` that holds a whole `Failure`, its messages no longer than `LONGEST`."""


LONGEST = 2000
"""How many characters of an error's message a client gets."""


def result(value: Any, *, structured: bool, wrapped: bool) -> Answer:
    """Return the answer that carries `value`: as text, and `structured` for a tool that says what it returns.

    Raises `Failed` where JSON has no such value, or where the answer were too large.
    """
    answer = _text(value if isinstance(value, str) else _json(value))
    if structured:
        answer["structuredContent"] = {"result": value} if wrapped else value
    return whole(answer)


def pieces(value: Any) -> Answer:
    """Return the answer that is made of the content in `value`; raise `Failed` where it were too large."""
    return whole({"resultType": "complete", "content": content.blocks(value)})


def relayed(value: Answer) -> Answer:
    """Return the answer that an MCP server gave."""
    return whole({"resultType": "complete", "content": [], **value})


def whole(answer: Answer) -> Answer:
    """Return `answer`; raise `Failed` where it is too large."""
    size = len(msgspec.json.encode(answer))
    if size > MAX_BYTES:
        raise Failed(f"the result takes {size} bytes of the {MAX_BYTES} that an answer may have; return less")
    return answer


def told(error: CallError, request: str) -> tuple[str, Answer]:
    """Return `error` in words, and in full."""
    brief = _brief(failure_of(error, request=request))
    again = "" if brief.retry_after is None else f"; try again in {brief.retry_after:g} s"
    return f"{brief.message}{again} ({brief.code}, request {brief.request})", msgspec.to_builtins(brief)


def failure(error: CallError, request: str) -> Answer:
    """Return the answer that carries `error`: readable as text, in full under `_meta`.

    Not as structured content, which some clients hold against the tool's output schema even when it is an error.
    """
    words, full = told(error, request)
    return {**_text(words), "isError": True, "_meta": {FAILURE: full}}


def _json(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    if "null" in text:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise Failed("the result holds a NaN or an infinity, which JSON does not have; return None") from None
    return text


def _brief(told: Failure) -> Failure:
    message = told.message if len(told.message) <= LONGEST else told.message[: LONGEST - 1] + "…"
    return msgspec.structs.replace(told, message=message, cause=told.cause and _brief(told.cause))


def _text(text: str) -> Answer:
    return {"resultType": "complete", "content": [{"type": "text", "text": text}]}
