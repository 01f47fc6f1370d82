"""What the broker lets out and in: targets, redirects, secrets, sizes, encodings, on real sockets.

Covers the broker with servers on loopback. Does not cover addresses and corpora (`test_address.py`, `make hostile-web`)
nor the need (`tests/behaviour/test_egress.py`).
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest

from mads import Denied, Failed, InvalidMessage, NoResponder, SecretRef
from mads.egress.broker import Broker, For
from mads.egress.grants import Grants
from mads.egress.network import Resolve, system_resolver
from mads.wire.web import Answer, Ask
from tests.egress.outside import Outside, outside, saying

COVERS = ("R-106",)


class Safe:
    """A vault with one secret, which remembers where it was to go."""

    def __init__(self, secret: bytes = b"s3cr3t-value") -> None:
        self._secret = secret
        self.given: list[bytearray] = []
        self.hosts: list[str] = []

    async def resolve(self, ref: SecretRef, *, mad: str, principal: str, tenant: str, host: str) -> bytearray:
        """Return the secret."""
        del mad, principal, tenant
        self.hosts.append(host)
        self.given.append(bytearray(ref.shape.encode().replace(b"{}", self._secret)))
        return self.given[-1]

    async def fingerprints(self) -> Safe:
        """Return what knows it."""
        return self

    def found(self, body: bytes) -> list[str]:
        """Return its path where it is there."""
        return ["default:token"] if self._secret in body else []


@asynccontextmanager
async def broker(*may: str, resolve: Resolve = system_resolver, vault: Safe | None = None) -> AsyncGenerator[Broker]:
    it = Broker({"mad": Grants(may)}, vault=vault, resolve=resolve)
    try:
        yield it
    finally:
        await it.close()


async def ask(it: Broker, ask: Ask) -> Answer:
    async with asyncio.timeout(5):
        return (await it.answer(For("mad"), ask))[0]


def leading(to: str, status: str = "302 Found") -> str:
    return f"HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"


async def test_what_was_granted_is_reached_and_nothing_else() -> None:
    async with outside(saying(b"hello", "X-One: 1", "x-one: 2")) as it, broker(it.may) as out:
        answer = await ask(out, Ask("get", it.url("/a?b=1")))
        assert (answer.status, answer.body, answer.headers["x-one"]) == (200, b"hello", "1, 2")
        assert it.asked[0].startswith(b"GET /a?b=1 HTTP/1.1\r\nhost: 127.0.0.1:")
        for url in (f"http://localhost:{it.port}/", f"http://127.0.0.1:{it.port + 1}/", "https://example.com/"):
            with pytest.raises(Denied, match=r"may not reach .* may = \[\"net:"):
                await ask(out, Ask("GET", url))
    assert len(it.asked) == 1


async def test_a_name_whose_addresses_are_not_all_public_is_not_connected_to() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        del port
        return {"one.test": ["127.0.0.1"], "two.test": ["93.184.216.34", "127.0.0.1"]}[host]

    async with outside(saying(b"canary")) as it:
        async with broker("net:*", f"net:*.test:{it.port}", it.may, resolve=resolve) as out:
            for host in ("one.test", "two.test"):
                with pytest.raises(Denied, match="not public"):
                    await ask(out, Ask("GET", f"http://{host}:{it.port}/"))
        assert not it.asked


async def test_nobody_there_is_no_responder() -> None:
    async with outside(saying(b"")) as it:
        pass

    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError(host, port)

    async with broker(it.may, "net:*", resolve=nowhere) as out:
        for url in (it.url(), "http://nowhere.test/"):
            with pytest.raises(NoResponder):
                await ask(out, Ask("GET", url))


async def test_a_redirect_is_asked_for_like_any_url_and_takes_no_credentials_along() -> None:
    async def respond(here: Outside, asked: bytes, writer: asyncio.StreamWriter) -> None:
        to = {
            b"/same": "/end",
            b"/other": other.url("/end"),
            b"/in": f"http://localhost:{here.port}/",
            b"/loop": "/loop",
        }
        path = asked.split(b" ")[1]
        writer.write(leading(to[path]).encode() if path in to else b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nend")

    async with outside(saying(b"end")) as other, outside(respond) as it, broker(it.may, other.may) as out:
        headers = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Api-Key": "y", "Accept-Language": "en"}
        assert (await ask(out, Ask("GET", it.url("/same"), dict(headers)))).url == it.url("/end")
        assert b"Bearer x" in it.asked[-1]
        assert (await ask(out, Ask("GET", it.url("/other"), dict(headers)))).url == other.url("/end")
        assert b"Accept-Language: en" in other.asked[0]
        assert not any(word in other.asked[0] for word in (b"Bearer", b"a=b", b"X-Api-Key"))
        with pytest.raises(Denied, match="localhost"):
            await ask(out, Ask("GET", it.url("/in")))
        with pytest.raises(Failed, match="more than 5 times"):
            await ask(out, Ask("GET", it.url("/loop")))
        assert (await ask(out, Ask("GET", it.url("/loop"), redirects=0))).status == 302
        with pytest.raises(Denied, match="meant for the former"):
            await ask(out, Ask("PUT", it.url("/other"), content=b"mine"))


async def test_a_secret_is_put_in_at_the_socket_and_taken_out_of_what_comes_back() -> None:
    async def echo(_: Outside, asked: bytes, writer: asyncio.StreamWriter) -> None:
        token = asked.split(b"Authorization: ")[1].split(b"\r\n")[0]
        writer.write(b"HTTP/1.1 200 OK\r\nx-token: " + token + b"\r\ncontent-length: %d\r\n\r\n" % (2 * len(token)))
        for piece in (token[:12], token[12:] + token):
            writer.write(piece)
            await writer.drain()

    vault = Safe()
    async with outside(echo) as it, broker(it.may, vault=vault) as out:
        ref = SecretRef("token").shaped("Bearer {}")
        answer = await ask(out, Ask("GET", it.url(), {"Authorization": ref}))
    assert b"Authorization: Bearer s3cr3t-value\r\n" in it.asked[0]
    assert (answer.body, answer.headers["x-token"]) == (b"Bearer [sensitive]" * 2, "Bearer [sensitive]")
    assert vault.hosts == [f"127.0.0.1:{it.port}"]
    assert not any(vault.given[0])


async def test_a_secret_that_no_header_can_hold_is_refused_without_being_said() -> None:
    async with outside(saying(b"")) as it, broker(it.may, vault=Safe(b"two\r\nlines")) as out:
        with pytest.raises(InvalidMessage, match="not one line") as caught:
            await ask(out, Ask("GET", it.url(), {"Authorization": SecretRef("token")}))
    assert "two" not in str(caught.value)
    assert not it.asked


async def test_a_secret_leaves_in_clear_to_this_machine_only() -> None:
    vault = Safe()
    async with broker("net:example.com", vault=vault) as out:
        with pytest.raises(Denied, match="https only"):
            await ask(out, Ask("GET", "http://example.com/", {"Authorization": SecretRef("token")}))
    assert not vault.hosts


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "a b", "x\r\ny", ""])
async def test_a_header_that_could_change_the_request_is_refused(name: str) -> None:
    async with broker("net:*") as out:
        with pytest.raises(InvalidMessage, match="no header"):
            await ask(out, Ask("GET", "http://example.com/", {name: "1"}))


async def test_a_value_of_two_lines_is_refused() -> None:
    async with broker("net:*") as out:
        with pytest.raises(InvalidMessage, match="cannot be sent"):
            await ask(out, Ask("GET", "http://example.com/", {"X": "a\r\nHost: b"}))


BOMB = zlib.compressobj(1, zlib.DEFLATED, 31)
brotli: Any = import_module("brotli")  # which says no types, nor does the other
zstd: Any = import_module("backports.zstd")
FAR: dict[int, int] = {
    zstd.CompressionParameter.window_log: 25,
    zstd.CompressionParameter.enable_long_distance_matching: 1,
}
BOMBS = {
    "br": brotli.compress(bytes(5_000_000), quality=1),
    "zstd": zstd.compress(bytes(5_000_000)),
    "gzip": BOMB.compress(bytes(5_000_000)) + BOMB.flush(),
    "deflate": zlib.compress(bytes(5_000_000), 1),
    "identity": bytes(200_000),
}


@pytest.mark.parametrize("encoding", BOMBS)
async def test_an_answer_is_no_larger_than_asked_for(encoding: str) -> None:
    async with outside(saying(BOMBS[encoding], f"content-encoding: {encoding}")) as it, broker(it.may) as out:
        with pytest.raises(Failed, match="more than 100000 bytes"):
            await ask(out, Ask("GET", it.url(), limit=100_000))


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("gzip", gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0)),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello", wbits=-15)),
        ("identity", b"hello"),
        ("br", brotli.compress(b"hello")),
        ("zstd", zstd.compress(b"hello")),
        ("zstd", zstd.compress(b"hel") + zstd.compress(b"") + zstd.compress(b"lo")),
    ],
)
async def test_what_is_encoded_comes_decoded(encoding: str, sent: bytes) -> None:
    async with outside(saying(sent, f"content-encoding: {encoding}")) as it, broker(it.may) as out:
        answer = await ask(out, Ask("GET", it.url()))
        assert answer.body == b"hello"
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)[:-9]),
        ("gzip", b"nothing"),
        ("br", b"x"),
        ("br", brotli.compress(b"hello")[:-1]),
        ("br", brotli.compress(b"hello") + b"more"),
        ("gzip, gzip", b"x"),
        ("zstd", b"x"),
        ("zstd", zstd.compress(b"hello")[:-2]),
        ("zstd", zstd.compress(bytes(range(256)) * 40_000, options=FAR)),
        ("lzma", b"x"),
    ],
)
async def test_what_cannot_be_decoded_is_no_answer(encoding: str, sent: bytes) -> None:
    async with outside(saying(sent, f"content-encoding: {encoding}")) as it, broker(it.may) as out:
        with pytest.raises(Failed):
            await ask(out, Ask("GET", it.url()))


async def test_headers_without_end_are_cut_off() -> None:
    async def endless(_: Outside, __: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-%d: y\r\n" * 1000 % (*range(1000),))
            await writer.drain()

    async with outside(endless) as it, broker(it.may) as out:
        with pytest.raises(Failed):
            await ask(out, Ask("GET", it.url()))


async def test_the_environment_of_the_process_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with outside(saying(b"proxied")) as proxy, outside(saying(b"direct")) as it, broker(it.may) as out:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert (await ask(out, Ask("GET", it.url()))).body == b"direct"
        assert not proxy.asked


async def test_what_comes_as_a_whole_is_never_larger_than_may_travel() -> None:
    async with broker("net:*") as out:
        with pytest.raises(InvalidMessage, match="stream a larger one"):
            await ask(out, Ask("GET", "http://example.com/", limit=10**12))
