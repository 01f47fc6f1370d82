"""A `View` is what one address of the gateway shows: a choice of what the MADs offer, under names of one style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mads.guard.scopes import permits
from mads.host.gateway import ServerConfig
from mads.wire.tools import ToolInfo


class View(Struct, frozen=True):
    """What is shown at `/mcp`, or at `/mcp/NAME`."""

    name: str = ""
    config: ServerConfig = ServerConfig()

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/mcp/{self.name}" if self.name else "/mcp"

    @property
    def place(self) -> str:
        """Where it is written in mads.toml."""
        return f"[gateway.servers.{self.name}]" if self.name else "[gateway]"

    def of(self, tools: Sequence[ToolInfo]) -> Sequence[ToolInfo]:
        """Return those of `tools` that it shows."""
        shown = self.config.tools
        return [tool for tool in tools if permits(shown, tool.name, read_only=tool.read_only)]


def views(servers: Mapping[str, ServerConfig]) -> tuple[View, ...]:
    """Return every view: that of everything, then those that the configuration names."""
    return (View(), *(View(name, config) for name, config in servers.items()))
