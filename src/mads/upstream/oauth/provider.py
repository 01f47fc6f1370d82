"""The SDK's OAuth clients, one for each way of asking for a token, made from what is written in mads.toml."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl

from mads.author.foreign import Keep
from mads.upstream.handle import resolved
from mads.upstream.oauth.memory import Memory
from mads.upstream.oauth.settings import OAuth
from mads.wire.errors import ConfigError

Visit = Callable[[str], Awaitable[AuthorizationCodeResult]]
"""Takes a person to an address to sign in; returns with what their browser brought back."""


class _Remembering(OAuthClientProvider):
    """Begins with what was kept."""

    memory: Memory

    async def _initialize(self) -> None:
        await super()._initialize()
        await self.memory.begin(self.context)


class _Code(_Remembering):
    """For somebody at a browser."""


class _Secret(_Remembering, ClientCredentialsOAuthProvider):
    """For the system itself, by a secret."""


class _Key(_Remembering, PrivateKeyJWTOAuthProvider):
    """For the system itself, by a signature."""


def provider(url: str, oauth: OAuth, keep: Keep, visit: Visit) -> tuple[OAuthClientProvider, Memory]:
    """Return what asks for tokens for the server at `url`, and what it keeps; raise `ConfigError` if it cannot be."""
    memory = Memory(keep, _registered(oauth))
    made = _machine(url, oauth, memory) if oauth.grant == "client_credentials" else _person(url, oauth, memory, visit)
    made.memory = memory
    return made, memory


def _registered(oauth: OAuth) -> OAuthClientInformationFull | None:
    """Return the client that is known by name."""
    if not oauth.client or oauth.client.startswith("https://") or oauth.grant == "client_credentials":
        return None
    return OAuthClientInformationFull(
        client_id=oauth.client,
        client_secret=resolved(oauth.secret) if oauth.secret else None,
        redirect_uris=[AnyUrl(oauth.callback)],
        token_endpoint_auth_method="client_secret_basic" if oauth.secret else "none",
        issuer=oauth.issuer or None,
    )


def _machine(url: str, oauth: OAuth, memory: Memory) -> _Remembering:
    if not (oauth.client and oauth.issuer and (oauth.secret or oauth.key)):
        raise ConfigError(
            "client credentials need a client, its secret or key, and the issuer that may see them; write oauth = "
            '{ grant = "client_credentials", client = "…", secret = "env:NAME", issuer = "https://…" }'
        )
    scope = oauth.scope or None
    if not oauth.key:
        secret = resolved(oauth.secret)
        return _Secret(url, memory, oauth.client, secret, scope=scope, issuer=oauth.issuer)
    signed = SignedJWTParameters(issuer=oauth.client, subject=oauth.client, signing_key=resolved(oauth.key, lines=True))
    assertion = signed.create_assertion_provider()
    return _Key(url, memory, oauth.client, assertion, scope=scope, issuer=oauth.issuer)


def _person(url: str, oauth: OAuth, memory: Memory, visit: Visit) -> _Remembering:
    came: list[AuthorizationCodeResult] = []

    async def go(address: str) -> None:
        came.append(await visit(address))

    async def come_back() -> AuthorizationCodeResult:
        return came.pop()

    metadata = OAuthClientMetadata(
        client_name="mads",
        redirect_uris=[AnyUrl(oauth.callback)],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=oauth.scope or None,
    )
    document = oauth.client if oauth.client.startswith("https://") else None
    return _Code(url, metadata, memory, go, come_back, client_metadata_url=document)
