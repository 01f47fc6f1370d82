"""The body of a request: one JSON-RPC message, or nothing that anybody answers."""

from __future__ import annotations

from typing import Any, cast

import msgspec


class NoMessage(Exception):
    """The body is JSON, and no message; this one says why."""


def said_in(body: bytes) -> Any:
    """Return what `body` says, None where it is no JSON; raise `NoMessage` where that is no message.

    A batch is none: no revision that is served here has them, and to look at ten thousand takes a second.
    """
    try:
        said: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    if type(said) is list:
        raise NoMessage("a request is one JSON-RPC message; send each of a batch by itself")
    if field(said, "method") is not None and "id" in said and type(said["id"]) not in (str, int):
        raise NoMessage("the id of a request is a string or a whole number")
    return said


def field(value: Any, name: str) -> Any:
    """Return a field of an object of JSON; None where it has none, or the value is no object."""
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
