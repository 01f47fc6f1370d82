"""Whatever comes over the wire is answered with a 2xx or 4xx or hung up on, soon, and the next request is served.

Covers bodies, heads and methods that no client sends, in both eras, with bytes. Does not cover who may come in
(test_signin.py), nor slow and silent clients (test_mcp_limits.py).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mads.gateway.connection import MAX_HEAD, MAX_HEADERS
from mads.gateway.server import Running
from tests.gateway.desk import MODERN, OLDER, Desk, gateway, headers, host_of, opened, request, talking

COVERS = ("R-042", "R-053")

ERAS = pytest.mark.parametrize("version", [MODERN, OLDER])
DEEP = 10_000
QUIET = b"closed"


class Wire:
    """A gateway, and raw connections to it with the head of a client of one era."""

    def __init__(self, running: Running, head: Mapping[str, str]) -> None:
        self._host, port = host_of(running)
        self._port = int(port)
        self.head = {"host": f"{self._host}:{port}", **head}

    async def send(self, data: bytes, *, ends: bool = False) -> bytes:
        """Send bytes as they are and return the status of the answer, or that there was none."""
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                with suppress(ConnectionError):
                    writer.write(data)
                    await writer.drain()
                    if ends:
                        writer.write_eof()
                with suppress(ConnectionError):
                    line = await reader.readline()
                    return line.split(b" ")[1] if line else QUIET
                return QUIET
            finally:
                writer.close()

    async def post(self, body: bytes, method: str = "POST", **more: str | None) -> bytes:
        """Send a request with this body."""
        told = self.head | {name.replace("_", "-"): value for name, value in more.items()}
        told["content-length"] = str(len(body))
        lines = [f"{name}: {value}\r\n" for name, value in told.items() if value is not None]
        return await self.send(f"{method} /mcp HTTP/1.1\r\n{''.join(lines)}\r\n".encode("utf-8", "replace") + body)

    async def still_serves(self) -> bool:
        """Return whether a call is served that nothing is wrong with."""
        return await self.post(json.dumps(request()).encode()) == b"200"


@asynccontextmanager
async def wire(version: str) -> AsyncGenerator[Wire]:
    """Serve a desk to whoever speaks this version of MCP, or anything."""
    async with gateway(Desk()) as running, talking(running) as http:
        yield Wire(running, await opened(http, version))


def is_fine(status: bytes) -> bool:
    """Return whether an answer is none of which a server should be ashamed."""
    return status == QUIET or status[:1] in (b"2", b"4")


def call(**more: Any) -> bytes:
    """Return a call with other fields than it should have."""
    return json.dumps(request() | more).encode()


def inside(place: str, what: bytes) -> bytes:
    """Return a call in which `what` stands at that place."""
    if place == "_meta":
        return json.dumps(request(here="HERE")).encode().replace(b'"HERE"', what)
    return json.dumps(request(arguments={"text": "HERE"})).encode().replace(b'"HERE"', what)


BODIES: dict[str, bytes] = {
    "100 MB": b"{" + b" " * 100_000_000 + b"}",
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep arguments": inside("arguments", b"[" * DEEP + b"]" * DEEP),
    "deep meta": inside("_meta", b"[" * DEEP + b"]" * DEEP),
    "a large batch": json.dumps([request()] * DEEP).encode(),
    "no batch": b"[]",
    "bad UTF-8": inside("arguments", b'"\xc3\x28"'),
    "NULs": b"\0" * 100,
    "half a surrogate": call(method="\ud800"),
    "a list as an id": call(id=[1]),
    "an object as an id": call(id={}),
    "no id that counts": call(id=None),
    "a fraction as an id": call(id=1.5),
    "a truth as an id": call(id=True),
    "nothing": b"",
}


@pytest.mark.slow
@ERAS
async def test_a_hostile_body_is_a_4xx_soon_and_the_next_request_is_served(version: str) -> None:
    async with wire(version) as it:
        for name, body in BODIES.items():
            began = time.monotonic()
            status = await it.post(body)
            assert status == QUIET or status.startswith(b"4"), (name, status)
            assert time.monotonic() - began < 5, name
            assert await it.still_serves(), name


WRONG: dict[str, bytes] = {
    "params": call(params="x"),
    "arguments": call(params={**request()["params"], "arguments": [1]}),
    "a name": call(params={**request()["params"], "name": {"a": 1}}),
    "a huge name": call(params={**request()["params"], "name": "x" * 1_000_000}),
    "a huge method": call(method="x" * 1_000_000),
    "meta": call(params={**request()["params"], "_meta": [1]}),
    "a token": inside("_meta", b'1,"progressToken":{"a":[1]}'),
    "a state": call(params={**request()["params"], "requestState": "x.y.z", "inputResponses": {}}),
    "no state": call(params={**request()["params"], "requestState": 3, "inputResponses": [1]}),
    "half a surrogate": call(params={**request()["params"], "name": "\ud800"}),
    "half a surrogate in meta": inside("_meta", b'"\\ud800"'),
    "another version of JSON-RPC": call(jsonrpc="1.0"),
    "an answer to nothing": b'{"jsonrpc":"2.0","id":99,"result":{}}',
    "a method twice": b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{}}',
}


@ERAS
async def test_what_has_the_wrong_type_or_size_breaks_nothing(version: str) -> None:
    async with wire(version) as it:
        for name, body in WRONG.items():
            assert is_fine(await it.post(body)), name
            assert await it.still_serves(), name


@ERAS
async def test_a_head_without_end_is_hung_up_on(version: str) -> None:
    async with wire(version) as it:
        body = json.dumps(request()).encode()
        assert await it.post(body, **{f"x{number}": "1" for number in range(MAX_HEADERS)}) == b"400"
        assert await it.post(body, x_large="x" * MAX_HEAD) == b"400"
        assert await it.send(b"POST /" + b"x" * 10_000_000) in (b"400", QUIET)
        assert await it.send(b"POST /mcp HTTP/1.1\r\nhost: " + b"x" * 10_000_000) in (b"400", QUIET)
        assert await it.still_serves()


@ERAS
async def test_no_state_that_was_not_given_here_is_taken(version: str) -> None:
    async with wire(version) as it:
        for state in ("", "x", "a.b.c", "A" * 100_000):
            status = await it.post(call(params={**request()["params"], "requestState": state, "inputResponses": {}}))
            assert is_fine(status)
        assert await it.still_serves()


async def test_a_head_that_says_another_thing_than_the_body_is_refused() -> None:
    async with wire(MODERN) as it:
        body = json.dumps(request()).encode()
        assert (await it.post(body, mcp_name="desk_forget")).startswith(b"4")
        assert (await it.post(body, mcp_method="tools/list")).startswith(b"4")
        assert (await it.post(body, mcp_name=None)).startswith(b"4")
        assert (await it.post(body, mcp_method=None)).startswith(b"4")
        assert await it.still_serves()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
methods = st.sampled_from(
    [
        "tools/call",
        "tools/list",
        "resources/read",
        "prompts/get",
        "completion/complete",
        "initialize",
        "server/discover",
    ]
)
messages = st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]), values)
meant = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers(), "method": methods | st.text(max_size=20)},
    optional={
        "params": st.dictionaries(st.sampled_from(["name", "arguments", "_meta", "uri", "ref", "cursor"]), values)
    },
)
bodies = st.binary(max_size=200) | (messages | meant).map(lambda message: json.dumps(message).encode())
names = st.sampled_from([*headers(), "authorization", "mcp-session-id", "origin", "cookie", "transfer-encoding", "x"])
tokens = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=30)
verbs = st.sampled_from(["POST", "GET", "DELETE", "PUT", "OPTIONS", "PATCH", "TRACE", "HEAD", "BREW"])
FUZZ = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.slow
@ERAS
@given(sent=st.lists(st.tuples(bodies, st.dictionaries(names, tokens, max_size=3), verbs), min_size=1, max_size=10))
@FUZZ
async def test_nothing_that_is_sent_breaks_the_gateway(
    version: str, sent: list[tuple[bytes, dict[str, str], str]]
) -> None:
    async with gateway(Desk()) as running, talking(running) as http:
        it = Wire(running, await opened(http, version))
        for body, more, verb in sent:
            status = await it.post(body, verb, **more)
            assert is_fine(status), (status, body, more, verb)
        again = Wire(running, await opened(http, version))  # a DELETE has ended the session in which it came
        assert await again.still_serves()


@pytest.mark.slow
@given(data=st.lists(st.binary(max_size=300) | st.just(b"POST /mcp HTTP/1.1\r\n"), max_size=5))
@FUZZ
async def test_no_bytes_break_the_gateway(data: list[bytes]) -> None:
    async with wire(MODERN) as it:
        assert is_fine(await it.send(b"".join(data), ends=True))
        assert await it.still_serves()
