"""How a token for a server is asked for, as it is written in mads.toml."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

CALLBACK = "http://127.0.0.1:7865/callback"
"""Where the browser of whoever signs in comes back to, on the machine of the system."""


class OAuth(Struct, frozen=True, forbid_unknown_fields=True):
    """How to sign in with the authorization server of an MCP server.

    `client` is the id under which mads is registered there, or the https address of its own metadata document; "" is to
    register anew. `secret` and `key` are handles: of the client's secret, and of the private key (PEM) by which it
    signs instead. `issuer` is the authorization server that may see them. `scope` is what is asked for where the server
    does not say. The `grant` "client_credentials" needs nobody at a browser; "code" is for whoever signs in once, by
    `mads connect`, whose browser comes back to `callback`.
    """

    client: str = ""
    secret: str = ""
    key: str = ""
    issuer: str = ""
    scope: str = ""
    grant: Literal["code", "client_credentials"] = "code"
    callback: str = CALLBACK
