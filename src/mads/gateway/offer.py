"""One thing as clients see it: what is listed of it, what it takes, and the form of what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mads.gateway import names
from mads.gateway.schema import Arguments, output
from mads.gateway.view import View
from mads.wire.tools import ToolInfo

TOOL = "mads/tool"
"""The key of a listed thing's `_meta` that holds its canonical name."""


class Offer:
    """One thing: what a client is told of it, what it takes, and the form of what it answers."""

    def __init__(self, tool: ToolInfo, view: View) -> None:
        self.tool, self._view = tool, view
        self.arguments = Arguments(tool)
        self.output_schema, self.wrapped = (None, False) if tool.content or tool.foreign else output(tool)
        self.mirrors = "'x-mcp-header'" in repr(self.arguments.schema)

    def listing(self) -> dict[str, Any]:
        """Return it as it is shown in the list of its kind."""
        tool = self.tool
        if tool.foreign is not None:
            said: dict[str, Any] = tool.foreign.get("_meta") or {}
            meta = {**said, TOOL: tool.name}
            off = {"description": self._described(tool.foreign.get("description", ""))} if tool.stopped else {}
            return {**tool.foreign, **off, "name": names.listed(tool, self._view), "_meta": meta}
        told: dict[str, Any] = {"title": tool.title or None, "description": self._described(tool.description)}
        listed = {"name": names.listed(tool, self._view), **told, **self._particulars(), "_meta": {TOOL: tool.name}}
        return {key: value for key, value in listed.items() if value is not None}

    def _described(self, said: str) -> str:
        """Return what is `said` of it, behind why it is not to be called where it is off."""
        return f"(Not to be called: it is {self.tool.stopped}) {said}" if self.tool.stopped else said

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
