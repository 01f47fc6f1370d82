"""Who signs in with an API key is who the MADs see, and may ask for what the key is for; who cannot gets a 401.

Covers the gateway over HTTP, in both eras. Does not cover tokens (test_oidc.py), nor the keys themselves (tests/guard).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from msgspec.structs import replace

from mads.gateway.server import Running, serve
from mads.gateway.signin import MAX_CREDENTIAL, SignIn
from mads.guard.keys import KeyRing, new_secret, written
from mads.store.keys.port import Key, Terms
from tests.gateway.desk import MODERN, OLDER, Desk, headers, host_of, opened, request, talking

COVERS = ("R-043",)

TERMS = Terms(principal="ci", tenant="acme", roles=("builder",), scopes=("mads.desk.*",), made=0, expires=None)
ERAS = pytest.mark.parametrize("version", [MODERN, OLDER])


def made(ring: KeyRing, number: int = 1, **terms: object) -> tuple[str, Key]:
    """Put a key on the ring; return it as its owner has it."""
    secret, digest = new_secret()
    key = Key(id=number, digest=digest, terms=replace(TERMS, **terms))
    ring.put(key)
    return written(number, secret), key


@asynccontextmanager
async def entry(desk: Desk, ring: KeyRing, *, anonymous: bool = False) -> AsyncGenerator[Running]:
    """Serve `desk` to who signs in."""
    running = await serve(desk, port=0, signin=SignIn(ring, anonymous=anonymous))
    try:
        yield running
    finally:
        await running.close()


@asynccontextmanager
async def client(running: Running, key: str, era: str) -> AsyncGenerator[Client]:
    """Connect the SDK's own client, which signs in with `key`."""
    async with (
        httpx2.AsyncClient(headers=bearing(key), trust_env=False) as http,
        Client(streamable_http_client(running.address, http_client=http), mode=era) as connected,
    ):
        yield connected


def bearing(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def status(http: httpx2.AsyncClient, sent: dict[str, str], name: str = "desk_echo") -> int:
    return (await http.post("/mcp", json=request(name), headers=sent)).status_code


async def names_of(it: Client) -> Sequence[str]:
    return [tool.name for tool in (await it.list_tools()).tools]


async def test_who_signs_in_is_who_the_callee_sees(era: str) -> None:
    desk, ring = Desk(), KeyRing()
    key, _ = made(ring)
    async with entry(desk, ring) as running, client(running, key, era) as it:
        assert not (await it.call_tool("desk_echo", {"text": "hi"})).is_error
    identity = desk.asked[0]["identity"]
    assert (identity.principal, identity.tenant, identity.roles) == ("ci", "acme", ("builder",))
    assert key not in repr(desk.asked)


async def test_the_listing_and_the_call_obey_the_scopes(era: str) -> None:
    desk, ring = Desk(), KeyRing()
    key, _ = made(ring, scopes=("mads.desk.*:read_only", "mads.desk.split"))
    async with entry(desk, ring) as running, client(running, key, era) as it:
        assert await names_of(it) == ["desk_echo", "desk_split"]
        assert not (await it.call_tool("desk_split", {"text": "a b"})).is_error
        for name in ("desk_forget", "attic_echo", "mads.attic.echo", "attic.echo"):
            with pytest.raises(MCPError, match=r"needs the scope 'mads\."):
                await it.call_tool(name, {"text": "hi"})
    assert [each["tool"] for each in desk.asked] == ["mads.desk.split"]


@ERAS
async def test_a_tool_beyond_the_scopes_is_a_403_that_names_the_scope(version: str) -> None:
    ring = KeyRing()
    key, _ = made(ring)
    async with entry(Desk(), ring) as running, talking(running) as http:
        sent = await opened(http, version, "attic_echo", **bearing(key))
        answer = await http.post("/mcp", json=request("attic_echo"), headers=sent)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="mads.attic.echo"' in answer.headers["www-authenticate"]
    assert "mads.attic.echo" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/mcp", "/"])
async def test_without_an_anonymous_developer_everybody_needs_a_credential(path: str) -> None:
    desk, ring = Desk(), KeyRing()
    key, _ = made(ring)
    async with entry(desk, ring) as running, talking(running) as http:
        for method in ("GET", "POST", "DELETE", "OPTIONS") if path == "/mcp" else ("GET",):
            assert (await http.request(method, path, headers=headers())).status_code == 401
        refused = await http.get(path)
        assert refused.headers["www-authenticate"] == 'Bearer realm="mads"'
        assert "mads key new" in refused.json()["error"]["message"]
        assert (await http.get("/", headers=bearing(key))).status_code == 200
        assert (await http.get("/.well-known/oauth-protected-resource")).status_code == 404
    assert desk.asked == []


async def test_the_anonymous_developer_may_sign_in_as_well() -> None:
    desk, ring = Desk(), KeyRing()
    key, _ = made(ring)
    async with entry(desk, ring, anonymous=True) as running, talking(running) as http:
        assert await status(http, headers()) == 200
        assert await status(http, headers(**bearing(key))) == 200
        assert await status(http, headers(authorization="Bearer mads_1_wrong")) == 401
    assert [each["identity"].principal for each in desk.asked] == ["anonymous", "ci"]


WRONG = {
    "empty": "",
    "no scheme": "{key}",
    "no key": "Bearer",
    "a tab": "Bearer\t{key}",
    "another scheme": "Basic {key}",
    "cut": "Bearer {cut}",
    "twice in one": "Bearer {key} {key}",
    "a list": "Bearer {key}, Bearer {key}",
    "not ASCII": "Bearer mads_1_\xe9",
    "a token": "Bearer eyJhbGciOiJub25lIn0.e30.",
    "oversized": "Bearer mads_1_" + "x" * MAX_CREDENTIAL,
    "an unknown number": "Bearer mads_999999999999999999_" + "x" * 49,
    "a huge number": "Bearer mads_" + "9" * 4000 + "_" + "x" * 49,
}


@ERAS
@pytest.mark.parametrize("anonymous", [False, True])
async def test_a_wrong_credential_is_a_401_that_tells_nothing(version: str, anonymous: bool) -> None:  # noqa: FBT001
    desk, ring = Desk(), KeyRing()
    key, _ = made(ring)
    async with entry(desk, ring, anonymous=anonymous) as running, talking(running) as http:
        sent = await opened(http, version, **bearing(key))
        for name, form in WRONG.items():
            said = form.format(key=key, cut=key[:-1]).encode("latin-1")
            answer = await http.post("/mcp", json=request(), headers=[*_without(sent), (b"authorization", said)])
            assert answer.status_code == 401, name
            assert 'error="invalid_token"' in answer.headers["www-authenticate"], name
            assert "mads_1" not in answer.text + str(answer.headers), name
        twice = [*_without(sent), *[(b"authorization", f"Bearer {key}".encode())] * 2]
        assert (await http.post("/mcp", json=request(), headers=twice)).status_code == 401
        assert (await http.post(f"/mcp?access_token={key}", json=request(), headers=headers())).status_code == (
            200 if anonymous else 401
        )
        assert await status(http, sent) == 200
    assert {each["identity"].principal for each in desk.asked} <= {"ci", "anonymous"}


def _without(sent: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in sent.items() if name != "authorization"]


SAID = st.binary(max_size=200) | st.binary(max_size=100).map(lambda rest: b"Bearer mads_1_" + rest)


@settings(deadline=None, max_examples=5)
@given(said=st.lists(SAID, min_size=10, max_size=30))
def test_no_bytes_in_the_place_of_a_credential_get_in_or_break_the_gateway(said: list[bytes]) -> None:
    async def ask(running: Running, said: bytes) -> int:
        reader, writer = await asyncio.open_connection(*host_of(running))
        head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nauthorization: "
        writer.write(head + said + b"\r\n\r\n{}")
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    async def ask_all() -> list[int]:
        async with entry(Desk(), KeyRing()) as running:
            return [await ask(running, each) for each in said]

    assert all(400 <= status < 500 for status in asyncio.run(ask_all()))


@ERAS
async def test_a_revoked_key_is_worth_nothing_at_once(version: str) -> None:
    desk, ring = Desk(), KeyRing()
    key, kept = made(ring)
    async with entry(desk, ring) as running, talking(running) as http:
        sent = await opened(http, version, **bearing(key))
        assert await status(http, sent) == 200
        ring.put(replace(kept, revoked=1))
        assert await status(http, sent) == 401


@ERAS
async def test_what_is_being_answered_to_a_revoked_key_ends(version: str) -> None:
    desk, ring = Desk(), KeyRing()
    key, kept = made(ring)
    other, _ = made(ring, 2)
    async with entry(desk, ring) as running, talking(running) as http:
        sent = await opened(http, version, "desk_wait", **bearing(key))
        call = asyncio.create_task(http.post("/mcp", json=request("desk_wait", {}), headers=sent))
        await desk.started.wait()
        ring.put(replace(kept, revoked=1))
        assert (await call).status_code in (401, 404)
        async with asyncio.timeout(1):
            await desk.cancelled.wait()
        assert await status(http, headers(**bearing(other))) == 200


async def test_the_stream_of_a_session_ends_with_its_key() -> None:
    ring = KeyRing()
    key, kept = made(ring)
    async with entry(Desk(), ring) as running, talking(running) as http:
        sent = await opened(http, OLDER, **bearing(key))
        async with http.stream("GET", "/mcp", headers=sent | {"accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            ring.put(replace(kept, revoked=1))
            async with asyncio.timeout(1):
                assert b"".join([piece async for piece in stream.aiter_bytes()]) == b""


@ERAS
async def test_what_outlasts_its_key_ends_when_that_expires(version: str) -> None:
    desk, ring = Desk(), KeyRing()
    key, _ = made(ring, expires=int(time.time() * 1000) + 700)
    async with entry(desk, ring) as running, talking(running) as http:
        sent = await opened(http, version, "desk_wait", **bearing(key))
        assert (await http.post("/mcp", json=request("desk_wait", {}), headers=sent)).status_code == 401
        assert await status(http, sent) == 401


async def test_a_session_is_its_openers_alone() -> None:
    desk, ring = Desk(), KeyRing()
    (key, _), (other, _) = made(ring), made(ring, 2)
    async with entry(desk, ring, anonymous=True) as running, talking(running) as http:
        own = await opened(http, OLDER, **bearing(key))
        nobodys = await opened(http, OLDER)
        assert await status(http, own) == 200
        assert await status(http, own | bearing(other)) == 404
        assert await status(http, {name: own[name] for name in own if name != "authorization"}) == 404
        assert await status(http, nobodys | bearing(key)) == 404
        assert await status(http, nobodys) == 200


async def test_a_flood_of_bad_keys_does_not_reach_the_door() -> None:
    desk, ring = Desk(), KeyRing()
    key, _ = made(ring)
    async with entry(desk, ring) as running, talking(running) as http:
        bad = [headers(**bearing(written(number, new_secret()[0]))) for number in range(1, 101)]
        assert set(await asyncio.gather(*(status(http, sent) for sent in bad))) == {401}
        assert await status(http, headers(**bearing(key))) == 200
    assert len(desk.asked) == 1
