"""JSON Schema (2020-12) of what a MAD offers and hears, from its declaration alone."""

import inspect
from typing import Any

import msgspec

from mads.author.declaration import Declaration
from mads.author.message import wire_name
from mads.wire.status import EventInfo
from mads.wire.tools import ToolInfo


def tool_infos(mad: str, declared: Declaration) -> tuple[ToolInfo, ...]:
    """Return what the tools of the MAD called `mad` say of themselves, by name."""
    return tuple(
        ToolInfo(
            name=f"mads.{mad}.{tool.name}",
            mad=mad,
            tool=tool.name,
            description=tool.description,
            input_schema=msgspec.json.schema(tool.params),
            output_schema=msgspec.json.schema(tool.result),
            read_only=tool.mark.read_only,
            destructive=tool.mark.destructive,
            idempotent=tool.mark.idempotent,
            streams=tool.streams,
        )
        for _, tool in sorted(declared.tools.items())
    )


def event_info(event: type[Any], heard_by: tuple[str, ...]) -> EventInfo:
    """Return what an event says of itself, and which MADs hear it."""
    return EventInfo(
        name=wire_name(event),
        description=inspect.cleandoc(event.__doc__ or ""),
        schema=msgspec.json.schema(event),
        heard_by=heard_by,
    )
