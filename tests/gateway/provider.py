"""Two providers of tokens, each in a process of its own: one that others wrote, and one of the MCP SDK's own handlers.

The first speaks OpenID Connect and signs who somebody is. The second is an authorization server of OAuth 2.1 as MCP
asks for one: registration, PKCE, resource indicators; it signs tokens for the resource that is asked for.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import httpx2
import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ROOT = Path(__file__).parents[2]


class Server:
    """Grants whatever is asked for to `ana`, who says yes to everything."""

    def __init__(self, issuer: str, scopes: list[str]) -> None:
        self._issuer, self._scopes = issuer, scopes
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._refresh: dict[str, tuple[RefreshToken, str | None]] = {}
        self._keys: list[RSAKey] = []
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key, and show that one only."""
        self._keys = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})]

    def jwks(self) -> Any:
        """Return the keys that it shows."""
        return KeySet([*self._keys]).as_dict(private=False)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Return a client."""
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Know a client, which may ask for any scope later."""
        assert client_info.client_id is not None
        self._clients[client_info.client_id] = client_info.model_copy(update={"scope": " ".join(self._scopes)})

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Return where a client that asked hears of its code."""
        code = AuthorizationCode(
            code=secrets.token_hex(20),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=str(client.client_id),
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self._codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(self, _: OAuthClientInformationFull, code: str) -> AuthorizationCode | None:
        """Return a code that was given."""
        return self._codes.get(code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        """Return the token for a code, which is then worth nothing."""
        del self._codes[authorization_code.code]
        return self._renewable(str(client.client_id), authorization_code.scopes, authorization_code.resource)

    def _renewable(self, client: str, scopes: list[str], resource: str | None) -> OAuthToken:
        """Sign a token that can be renewed, once."""
        renewal = RefreshToken(token=secrets.token_hex(20), client_id=client, scopes=scopes)
        self._refresh[renewal.token] = renewal, resource
        return self.token(client, scopes, resource).model_copy(update={"refresh_token": renewal.token})

    def token(self, client: str, scopes: list[str], resource: str | None, **more: Any) -> OAuthToken:
        """Sign a token."""
        now = int(time.time())
        claims = {"iss": self._issuer, "aud": resource, "sub": "ana", "iat": now, "exp": now + 300, "client_id": client}
        said = claims | {"scope": " ".join(scopes), "groups": ["staff"]} | more
        signed = jwt.encode({"alg": "RS256", "kid": self._keys[0].kid}, said, self._keys[0])
        return OAuthToken(access_token=signed, expires_in=300, scope=" ".join(scopes))

    async def load_refresh_token(self, _: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        """Return what renews a token."""
        return self._refresh.get(refresh_token, (None, None))[0]

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        """Return the next token."""
        _, resource = self._refresh.pop(refresh_token.token)
        return self._renewable(str(client.client_id), scopes, resource)

    async def load_access_token(self, _: str) -> AccessToken | None:
        """Return none: tokens are read by whom they are for."""
        return None

    async def revoke_token(self, _: Any) -> None:
        """Do nothing."""


def application(issuer: str, scopes: list[str]) -> Starlette:
    """Return the server as a web application."""
    server = Server(issuer, scopes)
    options = ClientRegistrationOptions(enabled=True, valid_scopes=scopes)
    routes = create_auth_routes(cast("Any", server), AnyHttpUrl(issuer), client_registration_options=options)

    async def discovery(_: Request) -> Response:
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{issuer}jwks"})

    async def jwks(_: Request) -> Response:
        return JSONResponse(server.jwks())

    async def rotate(_: Request) -> Response:
        server.rotate()
        return JSONResponse({})

    async def sign(request: Request) -> Response:
        return JSONResponse(server.token("test", **await request.json()).model_dump())

    routes += [Route("/.well-known/openid-configuration", discovery), Route("/jwks", jwks)]
    routes += [Route("/test/rotate", rotate, methods=["POST"]), Route("/test/sign", sign, methods=["POST"])]
    return Starlette(routes=routes)


@asynccontextmanager
async def provider(*command: str) -> AsyncGenerator[str]:
    """Run a provider whose command ends with its port; yield its address once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    null = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, port, cwd=ROOT, stdout=null, stderr=null
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(25), httpx2.AsyncClient(trust_env=False) as http:
            while True:
                with suppress(httpx2.TransportError):
                    await http.get(f"{address}/.well-known/openid-configuration")
                    break
                await asyncio.sleep(0.05)
        yield address
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    issuer = f"http://127.0.0.1:{sys.argv[2]}/"
    uvicorn.run(application(issuer, sys.argv[1].split()), port=int(sys.argv[2]), log_level="warning")
