"""An authorization server, in a process of its own, that gives tokens to one machine which shows its secret."""

from __future__ import annotations

import base64
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.gateway.provider import Server

CLIENT, SECRET = "mads", "of the machine"


def application(issuer: str, scopes: list[str]) -> Starlette:
    """Return the server as a web application."""
    server = Server(issuer, scopes)

    async def discovery(_: Request) -> Response:
        said = {"issuer": issuer, "jwks_uri": f"{issuer}jwks", "token_endpoint": f"{issuer}token"}
        said |= {"authorization_endpoint": f"{issuer}authorize"}
        many = {"response_types_supported": ["code"], "grant_types_supported": ["client_credentials"]}
        return JSONResponse(said | many | {"token_endpoint_auth_methods_supported": ["client_secret_basic"]})

    async def jwks(_: Request) -> Response:
        return JSONResponse(server.jwks())

    async def token(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        shown = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic "))
        if form.get("grant_type") != "client_credentials" or shown != f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode():
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        asked = form.get("scope", "read").split()
        return JSONResponse(server.token(CLIENT, asked, form.get("resource")).model_dump(exclude_none=True))

    known = ("openid-configuration", "oauth-authorization-server")
    routes = [Route(f"/.well-known/{name}", discovery) for name in known]
    return Starlette(routes=[*routes, Route("/jwks", jwks), Route("/token", token, methods=["POST"])])


if __name__ == "__main__":
    address = f"http://127.0.0.1:{sys.argv[2]}/"
    uvicorn.run(application(address, sys.argv[1].split()), port=int(sys.argv[2]), log_level="warning")
