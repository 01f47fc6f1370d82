"""What `mads.toml` says of an MCP server that is to be a MAD."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct, field

from mads.host.quantity import Span
from mads.upstream.handle import is_handle

_ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")


class McpConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """An MCP server as a MAD: `mcp` is the command that starts it, with its arguments, or its address.

    `env` is what the command finds in its environment; `credential` is shown to an address, one for the system or a
    table of principals ("*": everybody else). A secret is written as a handle: "env:NAME" or "file:PATH". One answer
    may take `within`, which also bounds how long it may take to say who it is. `inbox`, `at_once`: see `MadConfig`.
    """

    mcp: tuple[str, ...] | str
    env: dict[str, str] = field(default_factory=dict[str, str])
    credential: str | dict[str, str] = ""
    within: Span = 30.0
    at_once: Annotated[int, Meta(ge=1, le=65536)] = 64
    inbox: Annotated[int, Meta(ge=1, le=65536)] = 256

    def mistakes(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what cannot work: the key, and what to write."""
        if isinstance(self.mcp, str) and not _ADDRESS.fullmatch(self.mcp):
            yield ("mcp",), f'write an address, "https://…/mcp", or a command, ["npx", "-y", "NAME"], not {self.mcp!r}'
        if isinstance(self.mcp, tuple) and not (self.mcp and self.mcp[0]):
            yield ("mcp",), 'write a command, as in ["npx", "-y", "NAME"]'
        if isinstance(self.mcp, tuple) and self.credential:
            yield ("credential",), 'a command is shown no credential; write env = { NAME = "env:NAME" }'
        if isinstance(self.mcp, str) and self.env:
            yield ("env",), "what has an address finds its own environment; leave it out"
        shown = self.credential if isinstance(self.credential, dict) else {"": self.credential}
        for principal, handle in shown.items():
            if handle and not is_handle(handle):
                yield (
                    ("credential", principal) if principal else ("credential",),
                    'write where the secret lies, not the secret: "env:NAME" or "file:PATH"',
                )
