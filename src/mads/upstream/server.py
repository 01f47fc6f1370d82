"""Which MCP server is meant, and how it is reached: a command to start, or an address."""

from __future__ import annotations

from msgspec import Struct

from mads.upstream.oauth.settings import OAuth

EVERYBODY = "*"
"""Stands for every principal that is not named."""

SHARED, EACH = "oauth", "oauth:each"
"""Credentials for which somebody signs in: the operator for all, or whoever calls for themselves."""


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """One MCP server.

    `mcp` is a command with its arguments, or an address. `env` is what the command finds in its environment beside the
    little that it needs. `credential` is sent to an address as a bearer token: one for the system, or one for each
    principal ("*": for everybody else). Both hold handles, see `mads.upstream.handle`; "oauth" stands for a token for
    which the operator signs in, "oauth:each" for one of each principal, as `oauth` says. `within` is how many seconds
    one answer may take.
    """

    mcp: tuple[str, ...] | str
    env: dict[str, str] = {}
    credential: str | dict[str, str] = ""
    within: float = 30.0
    oauth: OAuth = OAuth()

    @property
    def url(self) -> str:
        """The address; "" where it is a command."""
        return self.mcp if isinstance(self.mcp, str) else ""

    @property
    def signs_in(self) -> bool:
        """Whether somebody signs in."""
        shown = self.credential.values() if isinstance(self.credential, dict) else (self.credential,)
        return any(each in (SHARED, EACH) for each in shown)

    def handle(self, principal: str) -> str | None:
        """Return the handle of the credential that is shown for `principal`; "" is none, None where there has to be."""
        if isinstance(self.credential, str):
            return self.credential
        return self.credential.get(principal, self.credential.get(EVERYBODY))
