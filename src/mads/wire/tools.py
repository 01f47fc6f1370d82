"""A `ToolInfo` is what a tool says of itself to its callers; a resource or a prompt is a tool with a place."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Offer = Literal["tool", "resource", "prompt", "completion"]
"""In which of MCP's lists something stands; all of them are called alike."""


class ToolInfo(Struct, frozen=True, kw_only=True):
    """One tool of one MAD, or one resource, prompt or completion, as its author declared it.

    `name` is canonical: `mads.<mad>.<tool>`. `input_schema` is the JSON Schema (2020-12) of an object, the arguments by
    name. `output_schema` is that of the result, or of one item where the tool `streams`; None says nothing about it.
    `deprecated` is its last day and what to use instead, "" where it stays. With `content` the result is made of pieces
    (see `mads.wire.content`); with `interactive` the caller may be asked and told things while it runs. A resource
    stands at `uri`, which may be a template, and counts as read for `fresh` seconds; a completion is of the `argument`
    of another of the same MAD. `foreign` is how an MCP server said it that nobody here wrote; what is `withheld` is not
    listed and every call of it is refused, for that reason. What is `stopped` is listed, with that said of it.
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
    kind: Offer = "tool"
    title: str = ""
    content: bool = False
    interactive: bool = False
    uri: str = ""
    mime_type: str = ""
    completes: str = ""
    argument: str = ""
    fresh: float = 0.0
    foreign: dict[str, Any] | None = None
    withheld: str = ""
    stopped: str = ""


class Definition(Struct, frozen=True):
    """One thing that an MCP server offers, as it `said` it in the JSON of MCP; a resource goes by its address."""

    kind: Literal["tool", "resource", "template", "prompt", "completion"]
    name: str
    said: dict[str, Any]

    @property
    def id(self) -> str:
        """The kind and the name: what there is once on a server."""
        return f"{self.kind} {self.name}"


class Withheld(Struct, frozen=True, kw_only=True):
    """What a server offers and nobody gets, until somebody has looked at it: `name` is canonical.

    `why` says it in words; `diff` is against what was approved, or all of it where that was nothing.
    """

    name: str
    mad: str
    kind: str
    why: tuple[str, ...]
    diff: str
    digest: str
