"""JSON Schema (2020-12) of what a MAD offers and hears, from its declaration alone."""

from typing import Any

import msgspec

from mads.author.declaration import Declaration, Tool
from mads.wire.tools import ToolInfo


def tool_infos(mad: str, declared: Declaration) -> list[ToolInfo]:
    """Return what the tools of a MAD say of themselves where it is called `mad`, by name."""
    return [_info(mad, tool) for _, tool in sorted(declared.tools.items())]


def schema_of(type_: Any) -> dict[str, Any]:
    """Return the schema of `type_`; every reference in it points into its own `$defs`."""
    schema = msgspec.json.schema(type_)
    definitions: dict[str, Any] = schema.pop("$defs", {})
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    ...
