"""The client that the suite measures is the one by which servers become MADs: it does what a scenario asks.

The suite starts it for each scenario, names that in the environment, and adds the address to the command.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.shared.auth import AuthorizationCodeResult

from mads.upstream.oauth.settings import OAuth
from mads.upstream.oauth.signin import SignIn
from mads.upstream.peer import Peer, Said
from mads.upstream.server import Server
from mads.upstream.session import Session
from mads.wire.errors import CallError, CannotAsk
from mads.wire.tools import Definition

CLIENT = "https://conformance-test.local/client-metadata.json"

WITHIN = 120.0
"""Seconds that one answer may take: the suite runs all scenarios at once, whatever the machine has."""

SPOKEN: Mapping[str, Any] = {
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
    signing = SignIn(address, _registered(context), _Memory(), visit) if scenario.startswith("auth/") else None
    session = Session(
        Server(mcp=address, within=WITHIN), "", changed=_ignore, said=lambda _: None, fetch=_no_secret, auth=signing
    )
    await session.open()
    try:
        definitions, _ = await session.definitions()
        for name, arguments in _calls(scenario, definitions, context):
            with suppress(CallError):
                await session.call(name, arguments, PEER)
    finally:
        await session.close()


async def _no_secret(handle: str) -> str:
    raise NotImplementedError(handle)


def _registered(context: Mapping[str, Any]) -> OAuth:
    """Return the client that was registered before, if any was."""
    if context.get("client_id"):
        os.environ["CLIENT_SECRET"] = context.get("client_secret", "")
        return OAuth(client=context["client_id"], secret="env:CLIENT_SECRET" if context.get("client_secret") else "")
    return OAuth(client=CLIENT)


def _calls(scenario: str, definitions: Sequence[Definition], context: Mapping[str, Any]) -> list[tuple[str, Said]]:
    """Return the calls of a scenario: those that it dictates, or one of each tool that was listed."""
    tools = {it.name: it.said for it in definitions if it.kind == "tool"}
    if "toolCalls" in context:
        return [(call["name"], call.get("arguments") or {}) for call in context["toolCalls"] if call["name"] in tools]
    if scenario in ("initialize", "json-schema-ref-no-deref"):
        return []
    return [(name, _arguments(said["inputSchema"])) for name, said in tools.items()]


def _arguments(schema: Mapping[str, Any]) -> Said:
    """Return the least that `schema` asks for."""
    said = schema.get("properties", {})
    return {name: SPOKEN.get(said.get(name, {}).get("type"), "x") for name in schema.get("required", [])}


async def _answer(method: str, params: Said, _: str) -> Said:
    """Answer what a server asks: accept, with the default of every field that has one, and yes where there is none."""
    match method:
        case "sampling/createMessage":
            return {"role": "assistant", "content": {"type": "text", "text": ""}, "model": "none"}
        case "roots/list":
            return {"roots": []}
        case "elicitation/create":
            fields: dict[str, Any] = params.get("requestedSchema", {}).get("properties", {})
            given = {name: it.get("default", True) for name, it in fields.items() if _known(it)}
            return {"action": "accept", "content": given}
        case _:
            raise CannotAsk(f"nobody answers {method!r}")


def _known(field: Mapping[str, Any]) -> bool:
    return "default" in field or field.get("type") == "boolean"


PEER = Peer(
    _answer,
    lambda _, __, ___: None,
    lambda _, __, ___: None,
    ("elicitation/create", "sampling/createMessage", "roots/list"),
)


async def _ignore(_: str) -> None:
    """Hear of a change."""


async def visit(address: str) -> AuthorizationCodeResult:
    """Do what a person's browser would do: go where the client sends people, and come back with what that led to."""
    async with httpx2.AsyncClient() as http:
        seen = await http.get(address, follow_redirects=False)
    said = {name: values[0] for name, values in parse_qs(urlsplit(seen.headers["location"]).query).items()}
    return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))


class _Memory:
    """Keeps what signing in has brought, for one scenario."""

    def __init__(self) -> None:
        self._kept = ""

    async def load(self) -> str:
        return self._kept

    async def save(self, kept: str) -> None:
        self._kept = kept


if __name__ == "__main__":
    asyncio.run(main(sys.argv[-1], os.environ["MCP_CONFORMANCE_SCENARIO"]))
