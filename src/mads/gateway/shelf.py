"""Resources by where they stand: at a fixed address, or at any that fits a template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from mads.wire.errors import ConfigError
from mads.wire.tools import ToolInfo
from mads.wire.uri import Address

LONGEST = 4096
"""How many characters the address of a resource may have; a longer one is nobody's."""


class Standing(Protocol):
    """Something that stands at an address."""

    @property
    def tool(self) -> ToolInfo:
        """The resource."""
        ...


S = TypeVar("S", bound=Standing)


class Shelf(Generic[S]):
    """What stands at addresses, `fixed` or not, each list in the order of the addresses.

    Raises `ConfigError` where two stand at the same.
    """

    def __init__(self, things: Sequence[S]) -> None:
        check(thing.tool for thing in things)
        placed = sorted(((Address(thing.tool.uri), thing) for thing in things), key=lambda it: it[0].written)
        self._written = {address.written: thing for address, thing in placed}
        self.fixed = [thing for address, thing in placed if not address.variables]
        self.templates = [thing for address, thing in placed if address.variables]
        self._fitting = sorted((it for it in placed if it[0].variables), key=lambda it: -it[0].weight)

    def written(self, address: str) -> S | None:
        """Return what stands at an address that is written like this."""
        return self._written.get(address)

    def find(self, uri: str) -> tuple[S, dict[str, str]] | None:
        """Return what stands at `uri`, and what that says for the variables of its template."""
        if len(uri) > LONGEST:
            return None
        fixed = self._written.get(uri)
        if fixed is not None and "{" not in uri:
            return fixed, {}
        for address, thing in self._fitting:
            if (said := address.read(uri)) is not None:
                return thing, said
        return None


def check(tools: Iterable[ToolInfo]) -> None:
    """Raise one `ConfigError` with every two resources of which nobody could say which one stands at an address."""
    owners: dict[str, ToolInfo] = {}
    mistakes: list[str] = []
    for tool in (tool for tool in tools if tool.kind == "resource"):
        other = owners.setdefault(Address(tool.uri).shape, tool)
        if other is not tool:
            mistakes.append(
                f"{other.name} and {tool.name} stand at the same address {tool.uri!r}; "
                f'give one of them another: @resource("{tool.mad}+{tool.uri}")'
            )
    if mistakes:
        raise ConfigError("\n".join(mistakes))
