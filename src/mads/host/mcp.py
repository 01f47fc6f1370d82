"""What `mads.toml` says of an MCP server that is to be a MAD."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct, field

from mads.host.quantity import Span
from mads.upstream.handle import KINDS, is_handle
from mads.upstream.oauth.settings import CALLBACK, OAuth
from mads.upstream.server import EACH, SHARED

_CALLBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]):[1-9]\d{0,4}/[^?#\s]*")
_ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")


class McpConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """An MCP server as a MAD: `mcp` is the command that starts it, with its arguments, or its address.

    `env` is what the command finds in its environment; `credential` is shown to an address, one for the system or a
    table of principals ("*": everybody else). A secret is written as a handle: "env:NAME", "file:PATH", or
    "secret:PATH" for one that Turing keeps. The credentials "oauth" and "oauth:each" stand for tokens for which
    somebody signs in, as `oauth` says. One answer may take `within`, which also bounds how long it may take to say who
    it is. What it answers counts as untrusted unless it is `trusted`. `inbox`, `at_once`, `accepts`: see `MadConfig`.
    """

    mcp: tuple[str, ...] | str
    env: dict[str, str] = field(default_factory=dict[str, str])
    credential: str | dict[str, str] = ""
    within: Span = 30.0
    oauth: OAuth = OAuth()
    at_once: Annotated[int, Meta(ge=1, le=65536)] = 64
    inbox: Annotated[int, Meta(ge=1, le=65536)] = 256
    accepts: tuple[str, ...] = ()
    trusted: bool = False

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
            if handle and handle not in (SHARED, EACH) and not is_handle(handle):
                yield (
                    ("credential", principal) if principal else ("credential",),
                    'write where the secret lies, not the secret: "secret:PATH", "env:NAME" or "file:PATH"; or "oauth"',
                )
        yield from self._oauth_mistakes()

    def _oauth_mistakes(self) -> Iterator[tuple[tuple[str, ...], str]]:
        for key, handle in (("secret", self.oauth.secret), ("key", self.oauth.key)):
            if handle and not (is_handle(handle) and handle.startswith(KINDS)):
                yield ("oauth", key), 'write where the secret lies, not the secret: "env:NAME" or "file:PATH"'
        if not _CALLBACK.fullmatch(self.oauth.callback):
            yield ("oauth", "callback"), f'write an address on this machine, "{CALLBACK}", not {self.oauth.callback!r}'
        machine = self.oauth.grant == "client_credentials"
        if machine and not (self.oauth.client and self.oauth.issuer and (self.oauth.secret or self.oauth.key)):
            needed = 'client = "…", issuer = "https://…", secret = "env:NAME"'
            yield ("oauth", "grant"), f"client credentials are shown to one issuer only; write {needed} beside it"
