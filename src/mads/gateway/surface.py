"""What clients see: tools, resources and prompts, each listed once, in a fixed order, and found by any of its names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mads.gateway import names, pages
from mads.gateway.schema import Arguments, output
from mads.gateway.search import Search, listing
from mads.gateway.shelf import Shelf
from mads.gateway.view import View
from mads.guard.scopes import permits
from mads.wire.call import Identity
from mads.wire.tools import ToolInfo

TOOL = "mads/tool"
"""The key of a listed thing's `_meta` that holds its canonical name."""

Listing = list[dict[str, Any]]

Shows = Callable[[Identity, ToolInfo], bool]
"""Returns whether a thing is listed for somebody."""


def by_scopes(identity: Identity, tool: ToolInfo) -> bool:
    """Show what the credential of `identity` may be used to ask for."""
    return identity.scopes is None or permits(identity.scopes, tool.name, read_only=tool.read_only)


class Offer:
    """One thing: what a client is told of it, what it takes, and the form of what it answers."""

    def __init__(self, tool: ToolInfo, view: View) -> None:
        self.tool, self._view = tool, view
        self.arguments = Arguments(tool)
        self.output_schema, self.wrapped = (None, False) if tool.content else output(tool)
        self.mirrors = "'x-mcp-header'" in repr(self.arguments.schema)

    def listing(self) -> dict[str, Any]:
        """Return it as it is shown in the list of its kind."""
        tool = self.tool
        told: dict[str, Any] = {"title": tool.title or None, "description": tool.description}
        listed = {"name": names.listed(tool, self._view), **told, **self._particulars(), "_meta": {TOOL: tool.name}}
        return {key: value for key, value in listed.items() if value is not None}

    def _particulars(self) -> dict[str, Any]:
        tool = self.tool
        match tool.kind:
            case "resource":
                address = "uriTemplate" if "{" in tool.uri else "uri"
                return {address: tool.uri, "mimeType": tool.mime_type or None}
            case "prompt":
                return {"arguments": list(self._asked())}
            case _:
                hints = {
                    "readOnlyHint": tool.read_only,
                    "destructiveHint": tool.destructive,
                    "idempotentHint": tool.idempotent,
                }
                schemas = {"inputSchema": self.arguments.schema, "outputSchema": self.output_schema}
                return {**schemas, "annotations": hints}

    def _asked(self) -> Iterator[dict[str, Any]]:
        """Yield the arguments of a prompt."""
        schema = self.arguments.schema
        for name, said in schema.get("properties", {}).items():
            told = {
                "name": name,
                "description": said.get("description"),
                "required": name in schema.get("required", ()),
            }
            yield {key: value for key, value in told.items() if value is not None}


class Surface:
    """What a door offers at one moment, as a view shows it.

    Raises `ConfigError` where names collide or no client would take them.
    """

    def __init__(self, tools: Sequence[ToolInfo], view: View = names.EVERYTHING) -> None:
        names.check(tools, view)
        offers = [Offer(tool, view) for tool in sorted(view.of(tools), key=lambda tool: tool.name)]
        self._shelf = Shelf([offer for offer in offers if offer.tool.kind == "resource"])
        self.lists: dict[str, list[tuple[ToolInfo, dict[str, Any]]]] = {
            "tools": [_listed(offer) for offer in offers if offer.tool.kind == "tool"],
            "prompts": [_listed(offer) for offer in offers if offer.tool.kind == "prompt"],
            "resources": [_listed(offer) for offer in self._shelf.fixed],
            "resourceTemplates": [_listed(offer) for offer in self._shelf.templates],
        }
        self.search = Search([offer for offer in offers if offer.tool.kind == "tool"]) if view.config.search else None
        self._named = {(offer.tool.kind, name): offer for offer in offers for name in names.accepted(offer.tool, view)}
        self._completions = {
            (offer.tool.mad, offer.tool.completes, offer.tool.argument): offer
            for offer in offers
            if offer.tool.kind == "completion"
        }

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


def _listed(offer: Offer) -> tuple[ToolInfo, dict[str, Any]]:
    return offer.tool, offer.listing()
