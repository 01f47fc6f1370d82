"""The operator signs in at a server that asks for it, once for all or for each; what that brings is kept and renewed.

With a real authorization server in a process of its own, and our own gateway as the server that asks for a token. How
discovery, registration and scopes go by the letter is measured by the official suite in `make conformance`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp.shared.auth import AuthorizationCodeResult
from msgspec.structs import replace

from mads.gateway.server import Running, serve
from mads.gateway.signin import METADATA
from mads.gateway.signin import SignIn as GatewaySignIn
from mads.guard.oidc import Oidc
from mads.host.mcp import McpConfig
from mads.testing.placed import Placed
from mads.upstream.oauth.settings import OAuth
from mads.upstream.oauth.signin import SignIn
from mads.wire.errors import Denied, InvalidMessage
from tests.duos.test_upstream import BOSS, gated, offers, until
from tests.gateway.desk import Desk, headers, request
from tests.gateway.provider import provider
from tests.upstream.machines import CLIENT, SECRET

COVERS = ("R-043", "R-113")

pytestmark = pytest.mark.slow

SCOPES: dict[str, tuple[str, ...]] = {"read": ("mads.desk.*:read_only",), "write": ("mads.desk.*",)}


@asynccontextmanager
async def guarded(desk: Desk, server: str = "tests.gateway.provider") -> AsyncGenerator[Running]:
    """Run an authorization server, and a gateway that takes its tokens only."""
    async with provider(server, "read write") as issuer:
        oidc = Oidc(issuer=f"{issuer}/", scopes=SCOPES)
        running = await serve(desk, port=0, signin=GatewaySignIn(oidc=oidc, anonymous=False))
        try:
            yield running
        finally:
            await running.close()


def oauth() -> OAuth:
    """Return how to sign in, with a way back that nobody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return OAuth(callback=f"http://127.0.0.1:{free.getsockname()[1]}/callback")


async def sign_in(it: Placed, whom: str = "") -> str:
    """Do what `mads connect` does, with a browser that says yes to everything; return what it shows in the end."""
    address = await it.call("steward.sign_in", principal=BOSS, mad="forge", whom=whom)
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=True) as http:
        page = await http.get(address)
    await it.call("steward.signed_in", principal=BOSS, mad="forge", whom=whom)
    return page.text


def trouble(it: Placed) -> str:
    return it.system.missing().get("forge", "")


async def test_the_system_signs_in_once_for_all_and_what_that_brings_is_sealed_renewed_and_outlives_it(
    tmp_path: Path,
) -> None:
    desk = Desk()
    async with guarded(desk) as running:
        forge = McpConfig(running.address, credential="oauth", oauth=oauth())
        async with gated(tmp_path, forge=forge) as (it, _):
            await until(lambda: trouble(it).endswith("write: mads connect forge"))
            assert "you are signed in" in (await sign_in(it)).lower()
            await until(offers(it, "mads.forge.desk_echo"))
            await it.call("forge.desk_echo", text="hi")
            keep = it.system.sign_ins.keep("forge", "")
            kept = json.loads(await keep.load())
            await keep.save(json.dumps({**kept, "until": 1.0}))  # as it is when the token's time was up meanwhile
        async with gated(tmp_path, forge=forge) as (it, _):
            await until(offers(it, "mads.forge.desk_echo"))
            await it.call("forge.desk_echo", text="again")
            renewed = json.loads(await it.system.sign_ins.keep("forge", "").load())
            await it.call("steward.sign_out", principal=BOSS, mad="forge")
            await until(lambda: "nobody has signed in" in trouble(it))
    assert {said["identity"].principal for said in desk.asked} == {"ana"}
    assert renewed["tokens"]["refresh_token"] != kept["tokens"]["refresh_token"]
    found = b"".join(path.read_bytes() for path in (tmp_path / ".mads").rglob("*") if path.is_file())
    for tokens in (kept["tokens"], renewed["tokens"]):
        assert tokens["access_token"].encode() not in found
        assert tokens["refresh_token"].encode() not in found


async def test_each_who_calls_signs_in_for_themselves(tmp_path: Path) -> None:
    async with guarded(Desk()) as running:
        forge = McpConfig(running.address, credential={"*": "oauth:each"}, oauth=oauth())
        async with gated(tmp_path, forge=forge, other=McpConfig(running.address)) as (it, _):
            await sign_in(it)
            await until(offers(it, "mads.forge.desk_echo"))
            with pytest.raises(Denied, match=r"nobody has signed in there for bo.* mads connect forge --as bo"):
                await it.call("forge.desk_echo", principal="bo", text="hi")
            await sign_in(it, "bo")
            await it.call("forge.desk_echo", principal="bo", text="hi")
            with pytest.raises(Denied, match="for cy"):
                await it.call("forge.desk_echo", principal="cy", text="hi")
            with pytest.raises(Denied, match="only the operator may sign in"):
                await it.call("steward.sign_in", mad="forge")
            with pytest.raises(InvalidMessage, match=r'of those that are here: forge.*credential = "oauth"'):
                await it.call("steward.sign_in", principal=BOSS, mad="other")


class Person:
    """Somebody at a browser, or not."""

    def __init__(self) -> None:
        self.here, self.visited = True, list[dict[str, list[str]]]()

    async def visit(self, address: str) -> AuthorizationCodeResult:
        """Go there and come back."""
        if not self.here:
            raise Denied("nobody is here")
        self.visited.append(parse_qs(urlsplit(address).query))
        async with httpx2.AsyncClient(trust_env=False) as http:
            back = (await http.get(address)).headers["location"]
        said = parse_qs(urlsplit(back).query)
        return AuthorizationCodeResult(code=said["code"][0], state=said["state"][0], iss=said.get("iss", [None])[0])


class Memory:
    """Keeps a sign-in for a test."""

    kept = ""

    async def load(self) -> str:
        """Return it."""
        return self.kept

    async def save(self, kept: str) -> None:
        """Keep it."""
        self.kept = kept


async def test_a_machine_signs_in_by_its_secret_and_by_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MACHINE", SECRET)
    monkeypatch.setenv("FORGOTTEN", "of another")
    desk = Desk()
    async with guarded(desk, "tests.upstream.machines") as running:
        async with httpx2.AsyncClient(trust_env=False) as http:
            where = (await http.get(running.address.replace("/mcp", METADATA))).json()["authorization_servers"][0]
        machine = OAuth(client=CLIENT, issuer=where, grant="client_credentials")
        ways = {"forge": "env:MACHINE", "closed": "env:FORGOTTEN"}
        settings = {
            name: McpConfig(running.address, credential="oauth", oauth=replace(machine, secret=way))
            for name, way in ways.items()
        }
        async with gated(tmp_path, **settings) as (it, _):
            await until(offers(it, "mads.forge.desk_echo"))
            await it.call("forge.desk_echo", text="hi")
            await until(lambda: "invalid_client" in it.system.missing()["closed"])
            assert not any(tool.mad == "closed" for tool in it.system.tools())
    assert [said["identity"].principal for said in desk.asked] == ["ana"]


async def test_what_a_call_lacks_when_nobody_is_there_is_granted_later() -> None:
    person, memory = Person(), Memory()
    async with guarded(Desk()) as running:

        async def split() -> int:
            signing = SignIn(running.address, OAuth(), memory, person.visit)
            async with httpx2.AsyncClient(auth=signing, trust_env=False) as http:
                sent = headers("desk_split")
                answer = await http.post(running.address, json=request("desk_split", text="a b"), headers=sent)
            return answer.status_code

        assert await split() == 403  # with what the server asks for at first
        person.here = False
        with pytest.raises(Denied, match="nobody is here"):
            await split()
        person.here = True
        later = SignIn(running.address, OAuth(), memory, person.visit)
        await later.token()
        await later.widen()
        assert await split() == 200
    assert [set(visit["scope"][0].split()) for visit in person.visited] == [{"read"}, {"read", "write"}]
    assert {visit["resource"][0] for visit in person.visited} == {running.address}


async def test_a_server_cannot_send_us_where_nobody_can_vouch_for() -> None:
    person = Person()
    for metadata in ("http://elsewhere.example/prm", "http://127.0.0.1:1/prm"):
        signing = SignIn("https://forge.example/mcp", OAuth(), Memory(), person.visit)
        challenge = {"www-authenticate": f'Bearer resource_metadata="{metadata}"'}
        with pytest.raises(Denied, match=r"which is not https|which is this machine"):
            await signing.challenged(401, challenge, "")
