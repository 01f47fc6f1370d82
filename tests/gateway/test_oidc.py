"""People sign in with tokens of a provider: through its whole flow, and for this gateway only.

Covers the gateway against two real providers in processes of their own. Does not cover what a token must look like:
tests/guard/test_tokens.py does.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from mads.gateway import issuer
from mads.gateway.server import Running, serve
from mads.gateway.signin import METADATA, SignIn
from mads.guard.oidc import Oidc
from tests.gateway.desk import OLDER, Desk, headers, opened, request, talking
from tests.gateway.provider import provider

COVERS = ("R-043", "R-049")

pytestmark = pytest.mark.slow

SCOPES: dict[str, tuple[str, ...]] = {"read": ("mads.desk.*:read_only",), "write": ("mads.desk.*",)}
BACK = "http://localhost:9/back"


@asynccontextmanager
async def entry(desk: Desk, oidc: Oidc) -> AsyncGenerator[Running]:
    running = await serve(desk, port=0, signin=SignIn(oidc=oidc, anonymous=False))
    try:
        yield running
    finally:
        await running.close()


class Browser:
    """A person who is sent to the provider, and comes back with a code."""

    def __init__(self) -> None:
        self.visited: list[dict[str, list[str]]] = []

    async def visit(self, url: str) -> None:
        """Follow a link, to the provider and back."""
        self.visited.append(parse_qs(urlsplit(url).query))
        async with httpx2.AsyncClient(trust_env=False) as http:
            self._back = (await http.get(url)).headers["location"]

    async def returned(self) -> AuthorizationCodeResult:
        """Return what the way back says."""
        said = parse_qs(urlsplit(self._back).query)
        return AuthorizationCodeResult(code=said["code"][0], state=said["state"][0], iss=said.get("iss", [None])[0])


class Memory:
    """Where the client keeps its tokens."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the client."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the client."""
        self.client = client_info


async def test_the_official_client_signs_in_and_steps_up_by_itself(era: str) -> None:
    desk, person = Desk(), Browser()
    async with (
        provider("tests.gateway.provider", "read write") as address,
        entry(desk, Oidc(issuer=f"{address}/", scopes=SCOPES)) as running,
    ):
        own = running.address
        about = OAuthClientMetadata.model_validate({"redirect_uris": [BACK], "client_name": "test"})
        auth = OAuthClientProvider(own, about, Memory(), person.visit, person.returned)
        async with (
            httpx2.AsyncClient(auth=auth, trust_env=False) as http,
            Client(streamable_http_client(own, http_client=http), mode=era) as it,
        ):
            assert [tool.name for tool in (await it.list_tools()).tools] == ["desk_echo"]
            assert len(person.visited) == 1
            assert not (await it.call_tool("desk_split", {"text": "a b"})).is_error
            assert len((await it.list_tools(cache_mode="refresh")).tools) > 5
    first, second = person.visited
    assert (first["scope"], set(second["scope"][0].split())) == (["read"], {"read", "write"})
    assert first["resource"] == [own]
    assert first["code_challenge_method"] == ["S256"]
    identity = desk.asked[0]["identity"]
    assert (identity.principal, identity.roles, identity.scopes) == (
        "ana",
        ("staff",),
        ("mads.desk.*:read_only", "mads.desk.*"),
    )


async def signed(address: str, **said: Any) -> dict[str, str]:
    """Return the header with a token of the provider that says what is wanted."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        token = (await http.post(f"{address}/test/sign", json=said)).json()["access_token"]
    return {"authorization": f"Bearer {token}"}


async def asked(http: httpx2.AsyncClient, sent: dict[str, str], name: str = "desk_echo") -> httpx2.Response:
    return await http.post("/mcp", json=request(name), headers=headers(name, **sent))


async def test_a_token_counts_here_only_if_it_is_for_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer, "PAUSE", 0.0)
    async with (
        provider("tests.gateway.provider", "read write") as address,
        entry(Desk(), Oidc(issuer=f"{address}/", scopes=SCOPES)) as running,
        talking(running) as http,
    ):
        good = await signed(address, scopes=["read"], resource=running.address)
        assert (await asked(http, good)).status_code == 200
        foreign = await asked(http, await signed(address, scopes=["read"], resource="http://127.0.0.1:1/mcp"))
        assert foreign.status_code == 401
        challenge = foreign.headers["www-authenticate"]
        assert 'error="invalid_token"' in challenge
        assert f'resource_metadata="{http.base_url}{METADATA}/mcp"'.replace("//.", "/.") in challenge
        assert 'scope="read"' in challenge
        for path in (METADATA, f"{METADATA}/mcp"):
            told = (await http.get(path)).json()
            assert told["resource"] == running.address
            assert told["authorization_servers"] == [f"{address}/"]
            assert told["scopes_supported"] == ["read", "write"]

        beyond = await asked(http, good, "desk_split")
        assert beyond.status_code == 403
        assert 'error="insufficient_scope"' in beyond.headers["www-authenticate"]
        assert 'scope="write"' in beyond.headers["www-authenticate"]
        assert (await asked(http, await signed(address, scopes=[], resource=running.address))).status_code == 403

        async with httpx2.AsyncClient(trust_env=False) as other:
            await other.post(f"{address}/test/rotate")
        assert (await asked(http, await signed(address, scopes=["read"], resource=running.address))).status_code == 200
        assert (await asked(http, good)).status_code == 401


async def test_an_unknown_key_makes_the_gateway_ask_once_and_not_again() -> None:
    async with (
        provider("tests.gateway.provider", "read") as address,
        entry(Desk(), Oidc(issuer=f"{address}/", scopes=SCOPES)) as running,
        talking(running) as http,
    ):
        good = await signed(address, scopes=["read"], resource=running.address)
        assert (await asked(http, good)).status_code == 200
        async with httpx2.AsyncClient(trust_env=False) as other:
            await other.post(f"{address}/test/rotate")
        new = await signed(address, scopes=["read"], resource=running.address)
        assert {(await asked(http, new)).status_code for _ in range(5)} == {401}
        assert (await asked(http, good)).status_code == 200


async def test_without_its_issuer_a_gateway_refuses_tokens_and_serves_on() -> None:
    oidc = Oidc(issuer="http://127.0.0.1:9", scopes=SCOPES)
    async with entry(Desk(), oidc) as running, talking(running) as http:
        refused = await asked(http, {"authorization": "Bearer e30.e30.x"})
        assert refused.status_code == 401
        assert "cannot be reached" in refused.json()["error"]["message"]


async def test_a_session_outlives_its_token_and_is_still_its_openers() -> None:
    async with (
        provider("tests.gateway.provider", "read") as address,
        entry(Desk(), Oidc(issuer=f"{address}/", scopes=SCOPES)) as running,
        talking(running) as http,
    ):
        said = {"scopes": ["read"], "resource": running.address}
        sent = await opened(http, OLDER, **await signed(address, **said))
        newer = sent | await signed(address, **said, jti="2")
        assert (await http.post("/mcp", json=request(), headers=newer)).status_code == 200
        bos = sent | await signed(address, **said, sub="bo")
        assert (await http.post("/mcp", json=request(), headers=bos)).status_code == 404


async def test_the_code_flow_of_a_provider_that_others_wrote_and_its_groups() -> None:
    """Its access tokens are for itself; its ID token says who somebody is, to the client `app`."""
    desk = Desk()
    async with provider("oidc_provider_mock", "--port") as address:
        oidc = Oidc(issuer=address, audience=("app",), scopes={"openid": ("mads.desk.*",)})
        async with entry(desk, oidc) as running, talking(running) as http:
            for groups in (["staff"], ["staff", "ops"]):
                token = await _id_token(address, groups)
                assert (await asked(http, {"authorization": f"Bearer {token}"})).status_code == 200
            wrong = await asked(http, {"authorization": f"Bearer {await _id_token(address, [], client='other')}"})
    assert wrong.status_code == 401
    assert [each["identity"].roles for each in desk.asked] == [("staff",), ("staff", "ops")]


async def _id_token(address: str, groups: list[str], client: str = "app") -> str:
    """Go through the code flow with PKCE as the person `ana`; return her ID token."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asking = {
        "client_id": client,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        await http.put("/users/ana", json={"groups": groups, "scope": "openid"})
        page = await http.post("/oauth2/authorize", params=asking, data={"sub": "ana"})
        code = parse_qs(urlsplit(page.headers["location"]).query)["code"][0]
        told = await http.post(
            "/oauth2/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": BACK,
                "client_id": client,
                "client_secret": "any",
                "code_verifier": verifier,
            },
        )
    return str(told.json()["id_token"])
