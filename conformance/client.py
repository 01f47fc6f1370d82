"""The client that the suite measures: it does what a scenario asks, one server's address at a time.

The suite starts it for each scenario, names that in the environment, and adds the address to the command.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import CreateMessageResult, ElicitResult, ListRootsResult, TextContent
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import AnyUrl

CALLBACK = "http://localhost:3000/callback"
CLIENT_ID = "https://conformance-test.local/client-metadata.json"
OLDER_ONLY = {"json-schema-ref-no-deref"}
"""Scenarios whose server speaks the older era only, whatever the revision."""

SPOKEN: dict[str, Any] = {
    "string": "x",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "object": {},
    "array": [],
    "null": None,
}


async def main(address: str, scenario: str) -> None:
    """Do what `scenario` asks."""
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    auth = await _auth(address, context) if scenario.startswith("auth/") else None
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30, follow_redirects=True) as http,
        _client(address, http, scenario) as client,
    ):
        tools = (await client.list_tools()).tools
        for name, arguments in _calls(scenario, tools, context):
            with suppress(MCPError):
                await client.call_tool(name, arguments)


def _client(address: str, http: httpx2.AsyncClient, scenario: str) -> Client:
    newer = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION") in MODERN_PROTOCOL_VERSIONS
    return Client(
        streamable_http_client(address, http_client=http),
        mode="auto" if newer and scenario not in OLDER_ONLY else "legacy",
        sampling_callback=_sample,
        list_roots_callback=_roots,
        elicitation_callback=_elicit,
    )


def _calls(scenario: str, tools: list[Any], context: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls of a scenario: those that it dictates, or one of each tool that was listed."""
    listed = {tool.name for tool in tools}
    if "toolCalls" in context:
        return [(call["name"], call.get("arguments") or {}) for call in context["toolCalls"] if call["name"] in listed]
    if scenario in ("initialize", "json-schema-ref-no-deref"):
        return []
    return [(tool.name, _arguments(tool.input_schema)) for tool in tools]


def _arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the least that `schema` asks for."""
    said = schema.get("properties", {})
    return {name: SPOKEN.get(said.get(name, {}).get("type"), "x") for name in schema.get("required", [])}


async def _sample(context: Any, params: Any) -> CreateMessageResult:  # noqa: ARG001  the SDK calls by these names
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text=""), model="none")


async def _roots(context: Any) -> ListRootsResult:  # noqa: ARG001  as above
    return ListRootsResult(roots=[])


async def _elicit(context: Any, params: Any) -> ElicitResult:  # noqa: ARG001  as above
    """Accept, with the default of every field that has one, and yes where there is none."""
    fields = getattr(params, "requested_schema", {}).get("properties", {})
    content = {
        name: said.get("default", True)
        for name, said in fields.items()
        if "default" in said or said.get("type") == "boolean"
    }
    return ElicitResult(action="accept", content=content)


class _Person:
    """Somebody who signs in: what the browser would do, without one."""

    def __init__(self) -> None:
        self._answer: dict[str, list[str]] = {}

    async def visit(self, address: str) -> None:
        """Go where the client sends people, and remember where that led."""
        async with httpx2.AsyncClient() as http:
            seen = await http.get(address, follow_redirects=False)
        self._answer = parse_qs(urlsplit(seen.headers["location"]).query)

    async def come_back(self) -> AuthorizationCodeResult:
        """Return what the provider said on the way back."""
        said = {name: values[0] for name, values in self._answer.items()}
        return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))


class _Held:
    """Where tokens are kept: in memory, for one scenario."""

    def __init__(self, client: OAuthClientInformationFull | None) -> None:
        self._client = client
        self._tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


async def _auth(address: str, context: dict[str, Any]) -> OAuthClientProvider:
    """Return what signs in with an authorization server, as the client that was registered before, if any was."""
    person, secret, registered = _Person(), context.get("client_secret"), None
    if context.get("client_id"):
        registered = OAuthClientInformationFull(
            client_id=context["client_id"],
            client_secret=secret,
            redirect_uris=[AnyUrl(CALLBACK)],
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
        )
    return OAuthClientProvider(
        server_url=address,
        client_metadata=OAuthClientMetadata(
            client_name="mads",
            redirect_uris=[AnyUrl(CALLBACK)],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
        ),
        storage=_Held(registered),
        redirect_handler=person.visit,
        callback_handler=person.come_back,
        client_metadata_url=CLIENT_ID,
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[-1], os.environ["MCP_CONFORMANCE_SCENARIO"]))
