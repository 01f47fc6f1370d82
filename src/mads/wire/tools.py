"""A `ToolInfo` is what a tool says of itself to those who may call it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class ToolInfo(Struct, frozen=True, kw_only=True):
    """One tool of one MAD, as its author declared it.

    `name` is canonical: `mads.<mad>.<tool>`. `input_schema` is the JSON Schema (2020-12) of an object, the arguments by
    name. `output_schema` is that of the result, or of one item where the tool `streams`; None says nothing about it.
    `deprecated` is its last day and what to use instead, "" where it stays.
    """

    name: str
    mad: str
    tool: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None = None
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    streams: bool = False
    deprecated: str = ""
