"""What clients see: tools, resources and prompts, each listed once, in a fixed order, and found by any of its names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mads.gateway import names, pages
from mads.gateway.offer import Offer
from mads.gateway.search import Search, listing
from mads.gateway.shelf import Shelf
from mads.gateway.view import View
from mads.guard.scopes import permits
from mads.wire.call import Identity
from mads.wire.tools import ToolInfo
from mads.wire.uri import Address

Listing = list[dict[str, Any]]

Shows = Callable[[Identity, ToolInfo], bool]
"""Returns whether a thing is listed for somebody."""


def by_scopes(identity: Identity, tool: ToolInfo) -> bool:
    """Show what the credential of `identity` may be used to ask for."""
    return identity.scopes is None or permits(identity.scopes, tool.name, read_only=tool.read_only)


class Surface:
    """What a door offers at one moment, as a view shows it.

    Raises `ConfigError` where names collide or no client would take them.
    """

    def __init__(self, tools: Sequence[ToolInfo], view: View = names.EVERYTHING) -> None:
        tools, self.hidden = apart(view.of(tools), view)
        names.check(tools, view)
        offers = [Offer(tool, view) for tool in sorted(view.of(tools), key=lambda tool: tool.name)]
        self._shelf = Shelf([offer for offer in offers if offer.tool.kind == "resource"])
        lists = {
            "tools": [offer for offer in offers if offer.tool.kind == "tool"],
            "prompts": [offer for offer in offers if offer.tool.kind == "prompt"],
            "resources": self._shelf.fixed,
            "resourceTemplates": self._shelf.templates,
        }
        self.lists = {kind: [_listed(it) for it in these if not it.tool.withheld] for kind, these in lists.items()}
        known = [offer for offer in lists["tools"] if not offer.tool.withheld]
        self.search = Search(known) if view.config.search else None
        self._named = {(offer.tool.kind, name): offer for offer in offers for name in names.accepted(offer.tool, view)}
        self._completions = {
            (offer.tool.mad, offer.tool.completes, offer.tool.argument): offer
            for offer in offers
            if offer.tool.kind == "completion"
        }

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return not self._named and not self.lists["resources"] and not self.lists["resourceTemplates"]

    def listing(
        self, kind: str, identity: Identity, shows: Shows, cursor: str | None = None
    ) -> tuple[Listing, str | None]:
        """Return those of a page of a list that `shows` lets `identity` see, and the cursor of the next page."""
        if kind == "tools" and self.search is not None:
            return listing(), None
        seen = [(tool.uri or tool.name, listed) for tool, listed in self.lists[kind] if shows(identity, tool)]
        return pages.page(kind, seen, cursor)

    def find(self, name: str) -> Offer | None:
        """Return the tool that goes by `name`."""
        return self._named.get(("tool", name))

    def prompt(self, name: str) -> Offer | None:
        """Return the prompt that goes by `name`."""
        return self._named.get(("prompt", name))

    def resource(self, uri: str) -> tuple[Offer, dict[str, str]] | None:
        """Return the resource that stands at `uri`, and what that says of its arguments."""
        return self._shelf.find(uri)

    def completion(self, of: Offer, argument: str) -> Offer | None:
        """Return what completes an argument of a resource or a prompt."""
        return self._completions.get((of.tool.mad, of.tool.tool, argument))

    def template(self, uri: str) -> Offer | None:
        """Return the resource of that address, as it is written: a template, or where one stands."""
        return self._shelf.written(uri)


def apart(tools: Sequence[ToolInfo], view: View) -> tuple[list[ToolInfo], dict[str, str]]:
    """Return `tools` without those of MCP servers that clients could not tell from others, and why, by MAD.

    Whoever wrote such a server is not here to rename them, and they must not hide what the others offer.
    """
    good = [tool for tool in tools if tool.foreign is None]
    taken = {("tool", name) for name in names.META} if view.config.search else set[tuple[str, str]]()
    taken |= {key for tool in good for key in _keys(tool, view)}
    hidden: dict[str, str] = {}
    for tool in sorted((tool for tool in tools if tool.foreign is not None), key=lambda tool: tool.name):
        keys = _keys(tool, view)
        if taken.isdisjoint(keys) and len(names.listed(tool, view)) <= names.LONGEST:
            good.append(tool)
            taken |= keys
        else:
            hidden.setdefault(tool.mad, f"{tool.name} has the name or the address of another, or too long a name")
    return good, hidden


def _keys(tool: ToolInfo, view: View) -> set[tuple[str, str]]:
    """Return by what clients tell `tool` from others."""
    if tool.kind == "resource":
        return {("resource", Address(tool.uri).shape if "{" in tool.uri else tool.uri)}
    return {(tool.kind, names.listed(tool, view))} if tool.kind != "completion" else {("", tool.name)}


def _listed(offer: Offer) -> tuple[ToolInfo, dict[str, Any]]:
    return offer.tool, offer.listing()
