"""The names of tools and prompts: `dewey_search`, since hosts refuse dots; called by `mads.dewey.search` as well."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mads.gateway import shelf
from mads.gateway.view import View
from mads.wire.errors import ConfigError
from mads.wire.tools import ToolInfo

LONGEST = 64
"""The longest name that every host accepts."""

EVERYTHING = View()
"""What is shown where nothing is chosen."""

SEARCH, DESCRIBE, CALL = META = ("search_tools", "describe_tool", "call_tool")
"""The names of the tools by which others are found."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def listed(tool: ToolInfo, view: View = EVERYTHING) -> str:
    """Return the name under which clients see `tool`."""
    match view.config.names:
        case "underscore":
            return f"{tool.mad}_{tool.tool}"
        case "dotted":
            return f"{tool.mad}.{tool.tool}"
        case "plain":
            return tool.tool


def accepted(tool: ToolInfo, view: View = EVERYTHING) -> tuple[str, ...]:
    """Return every name by which clients may call `tool`."""
    return tuple(dict.fromkeys((listed(tool, view), f"{tool.mad}.{tool.tool}", tool.name)))


def check(tools: Iterable[ToolInfo], view: View = EVERYTHING) -> None:
    """Raise one `ConfigError` with every name that a client could not use or could not tell from another's."""
    tools = view.of(list(tools))
    mistakes: list[str] = []
    owners: dict[tuple[str, str], ToolInfo] = {}
    for tool in (tool for tool in tools if tool.kind in ("tool", "prompt")):
        name = listed(tool, view)
        if len(name) > LONGEST:
            mistakes.append(
                f"clients would see {tool.name} as {name!r}, {len(name)} characters where {LONGEST} are allowed; "
                f"give the MAD {tool.mad!r} a shorter name in mads.toml, or the tool {tool.tool!r} one in its class"
            )
        if not _PLAIN.fullmatch(name.replace(".", "") if view.config.names == "dotted" else name):
            mistakes.append(f"clients refuse the name {name!r} of {tool.name}; use letters, digits, '_' and '-' only")
        other = owners.setdefault((tool.kind, name), tool)
        if other is not tool:
            mistakes.append(
                f"clients could not tell {tool.name} from {other.name}, both are {name!r} to them; "
                + _apart(tool, other, view)
            )
        if view.config.search and name in META:
            mistakes.append(f"{tool.name} is {name!r} at {view.place}, where search has that; write other names there")
    try:
        shelf.check(tools)
    except ConfigError as error:
        mistakes += str(error).splitlines()
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def _apart(tool: ToolInfo, other: ToolInfo, view: View) -> str:
    """Return what to write so that these two can be told apart."""
    if view.config.names == "plain":
        return f'write names = "underscore", or fewer tools, under {view.place} in mads.toml'
    return f"rename the MAD {tool.mad!r} or {other.mad!r} in mads.toml"
