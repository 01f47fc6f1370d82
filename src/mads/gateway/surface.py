"""The tools as clients see them: each listed once, in a fixed order, and found by any of its names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mads.gateway import names
from mads.gateway.schema import Arguments, output
from mads.guard.scopes import permits
from mads.wire.call import Identity
from mads.wire.tools import ToolInfo

TOOL = "mads/tool"
"""The key of a listed tool's `_meta` that holds its canonical name."""


class Offer:
    """One tool: what a client is told of it, what it takes, and the form of what it answers."""

    def __init__(self, tool: ToolInfo) -> None:
        self.tool = tool
        self.arguments = Arguments(tool)
        self.output_schema, self.wrapped = output(tool)
        self.mirrors = "'x-mcp-header'" in repr(self.arguments.schema)

    def listing(self) -> dict[str, Any]:
        """Return the tool as `tools/list` shows it."""
        tool = self.tool
        listed = {
            "name": names.listed(tool),
            "description": tool.description,
            "inputSchema": self.arguments.schema,
            "outputSchema": self.output_schema,
            "annotations": {
                "readOnlyHint": tool.read_only,
                "destructiveHint": tool.destructive,
                "idempotentHint": tool.idempotent,
            },
            "_meta": {TOOL: tool.name},
        }
        return {key: value for key, value in listed.items() if value is not None}


class Surface:
    """What a door offers at one moment. Raises `ConfigError` where names collide or no client would take them."""

    def __init__(self, tools: Sequence[ToolInfo]) -> None:
        names.check(tools)
        offers = [Offer(tool) for tool in sorted(tools, key=lambda tool: tool.name)]
        self._listing = [(offer.tool, offer.listing()) for offer in offers]
        self._offers = {name: offer for offer in offers for name in names.accepted(offer.tool)}

    def listing(self, identity: Identity) -> list[dict[str, Any]]:
        """Return the tools that the credential of `identity` may be used to ask for."""
        scopes = identity.scopes
        return [
            listed
            for tool, listed in self._listing
            if scopes is None or permits(scopes, tool.name, read_only=tool.read_only)
        ]

    def find(self, name: str) -> Offer | None:
        """Return the tool that goes by `name`."""
        return self._offers.get(name)
