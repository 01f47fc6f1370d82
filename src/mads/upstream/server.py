"""Which MCP server is meant, and how it is reached: a command to start, or an address."""

from __future__ import annotations

from msgspec import Struct

EVERYBODY = "*"
"""Stands for every principal that is not named."""


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """One MCP server.

    `mcp` is a command with its arguments, or an address. `env` is what the command finds in its environment beside the
    little that it needs. `credential` is sent to an address as a bearer token: one for the system, or one for each
    principal ("*": for everybody else). Both hold handles, see `mads.upstream.handle`. `within` is how many seconds one
    answer may take.
    """

    mcp: tuple[str, ...] | str
    env: dict[str, str] = {}
    credential: str | dict[str, str] = ""
    within: float = 30.0

    @property
    def url(self) -> str:
        """The address; "" where it is a command."""
        return self.mcp if isinstance(self.mcp, str) else ""

    def handle(self, principal: str) -> str | None:
        """Return the handle of the credential that is shown for `principal`; "" is none, None where there has to be."""
        if isinstance(self.credential, str):
            return self.credential
        return self.credential.get(principal, self.credential.get(EVERYBODY))
