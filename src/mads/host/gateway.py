"""The table `[gateway]` of `mads.toml`: where the MCP door is, who comes in, and what it shows."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from mads.guard.oidc import Oidc


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A server of its own at `/mcp/NAME`: what of the MADs it shows, as in a scope, and how that is called there.

    The tool `recall` of `scribe` is `scribe_recall` where `names` are underscore, which every host takes,
    `scribe.recall` where they are dotted, and `recall` where they are plain. With `search` it lists three tools, by
    which all others are found, read about and called.
    """

    tools: tuple[str, ...] = ("mads.>",)
    names: Literal["underscore", "dotted", "plain"] = "underscore"
    search: bool = False


class GatewayConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The MCP gateway: its port on the loopback interface; 0 takes a free one, None the usual one where it is free.

    Whoever shows no credential is the `anonymous` developer, or refused; tokens are taken from the provider `oidc`.
    Beside `/mcp`, which shows everything, each of `servers` shows a choice at an address of its own.
    """

    port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    anonymous: bool = True
    oidc: Oidc | None = None
    servers: dict[str, ServerConfig] = field(default_factory=dict[str, ServerConfig])
