"""The names of tools and prompts: `dewey_search`, since hosts refuse dots; called by `mads.dewey.search` as well."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mads.gateway import shelf
from mads.wire.errors import ConfigError
from mads.wire.tools import ToolInfo

LONGEST = 64
"""The longest name that every host accepts."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def listed(tool: ToolInfo) -> str:
    """Return the name under which clients see `tool`."""
    return f"{tool.mad}_{tool.tool}"


def accepted(tool: ToolInfo) -> tuple[str, ...]:
    """Return every name by which clients may call `tool`."""
    return (listed(tool), f"{tool.mad}.{tool.tool}", tool.name)


def check(tools: Iterable[ToolInfo]) -> None:
    """Raise one `ConfigError` with every name that a client could not use or could not tell from another's."""
    tools = list(tools)
    mistakes: list[str] = []
    owners: dict[tuple[str, str], ToolInfo] = {}
    for tool in (tool for tool in tools if tool.kind in ("tool", "prompt")):
        name = listed(tool)
        if len(name) > LONGEST:
            mistakes.append(
                f"clients would see {tool.name} as {name!r}, {len(name)} characters where {LONGEST} are allowed; "
                f"give the MAD {tool.mad!r} a shorter name in mads.toml, or the tool {tool.tool!r} one in its class"
            )
        if not _PLAIN.fullmatch(name):
            mistakes.append(f"clients refuse the name {name!r} of {tool.name}; use letters, digits, '_' and '-' only")
        other = owners.setdefault((tool.kind, name), tool)
        if other is not tool:
            mistakes.append(
                f"clients could not tell {tool.name} from {other.name}, both are {name!r} to them; "
                f"rename the MAD {tool.mad!r} or {other.mad!r} in mads.toml"
            )
    try:
        shelf.check(tools)
    except ConfigError as error:
        mistakes += str(error).splitlines()
    if mistakes:
        raise ConfigError("\n".join(mistakes))
