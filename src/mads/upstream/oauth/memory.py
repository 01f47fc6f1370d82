"""What signing in has brought, to be kept: the client that was registered, the tokens, and where both came from."""

from __future__ import annotations

import time

from mcp.client.auth.oauth2 import OAuthContext
from mcp.shared.auth import OAuthClientInformationFull, OAuthMetadata, OAuthToken, ProtectedResourceMetadata
from pydantic import BaseModel, ValidationError

from mads.author.foreign import Keep


class Kept(BaseModel):
    """All that is known of one sign-in."""

    client: OAuthClientInformationFull | None = None
    tokens: OAuthToken | None = None
    until: float | None = None
    resource: ProtectedResourceMetadata | None = None
    issuer: OAuthMetadata | None = None
    server: str | None = None
    wanted: str | None = None


class Memory:
    """Keeps tokens and clients for the SDK, together with what it found out; `begin` it with the SDK's context.

    The SDK itself forgets until when a token is good, and where it is renewed: after a restart it would ask a person.
    A client that was `registered` by hand goes before one that was registered here.
    """

    def __init__(self, keep: Keep, registered: OAuthClientInformationFull | None = None) -> None:
        self._keep, self._registered = keep, registered
        self._kept = Kept()

    async def begin(self, context: OAuthContext) -> None:
        """Tell `context` what was kept; what cannot be read any more was not."""
        self._context = context
        try:
            kept = Kept.model_validate_json(await self._keep.load() or "{}")
        except ValidationError:
            return
        self._kept = kept
        context.current_tokens, context.token_expiry_time = kept.tokens, kept.until
        context.oauth_metadata, context.auth_server_url = kept.issuer, kept.server
        context.protected_resource_metadata = kept.resource
        context.client_info = self._registered or context.client_info or kept.client

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens; see `mcp.client.auth.TokenStorage`."""
        return self._kept.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens, and what they came from."""
        context = self._context
        self._kept.tokens, self._kept.wanted = tokens, None
        self._kept.until = None if tokens.expires_in is None else time.time() + tokens.expires_in
        self._kept.resource, self._kept.issuer = context.protected_resource_metadata, context.oauth_metadata
        self._kept.server = context.auth_server_url
        await self._save()

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the client that was registered."""
        return self._registered or self._kept.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the client that was registered."""
        self._kept.client = client_info
        await self._save()

    @property
    def wanted(self) -> str:
        """The scope that was asked for when nobody was there to grant it; "" is none."""
        return self._kept.wanted or ""

    async def want(self, scope: str | None) -> None:
        """Keep that `scope` was asked for, and nobody was there."""
        self._kept.wanted = scope
        await self._save()

    async def forget(self) -> None:
        """Keep the tokens no longer: they are of no use."""
        self._kept.tokens = self._kept.until = None
        await self._save()

    async def _save(self) -> None:
        await self._keep.save(self._kept.model_dump_json(exclude_none=True))
