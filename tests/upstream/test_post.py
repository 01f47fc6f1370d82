"""What is posted to a server arrives, and whatever a hostile one answers ends in an error, soon and within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mads.upstream import post as post_
from mads.upstream.post import Post
from mads.wire.errors import Lost, NoResponder

COVERS = ("R-042", "R-053")

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
FINE = OK + b"content-length: 2\r\n\r\n{}"


class Told:
    """A server that says what it was told to, whatever it hears; `heard` are its requests, `met` its connections."""

    def __init__(self, answers: Sequence[bytes], *, leaves: bool) -> None:
        self._answers, self._leaves = list(answers), leaves
        self.heard, self.met, self.left = list[bytes](), 0, asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.met += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heard.append(head + await reader.readexactly(int(head.rpartition(b"content-length: ")[2])))
                writer.write(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
                await writer.drain()
                if self._leaves:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def told(*answers: bytes, leaves: bool = False) -> AsyncGenerator[tuple[Told, Post]]:
    """Serve those answers, the last again and again, and post to them."""
    server = Told(answers, leaves=leaves)
    async with asyncio.timeout(5), await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        post = Post(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp/a%20b")
        try:
            yield server, post
        finally:
            post.close()


async def answer(post: Post, body: bytes = b"{}") -> tuple[int, bytes]:
    async with post.post({"authorization": "Bearer x"}, body) as response:
        return response.status, b"".join([chunk async for chunk in response])


async def test_a_request_is_posted_and_its_connection_kept_for_the_next() -> None:
    async with told(FINE) as (server, post):
        assert [await answer(post) for _ in range(3)] == [(200, b"{}")] * 3
    assert server.met == 1
    assert server.heard[0].startswith(b"POST /mcp/a%20b HTTP/1.1\r\nhost: 127.0.0.1:")
    assert server.heard[0].endswith(b"authorization: Bearer x\r\ncontent-length: 2\r\n\r\n{}")


async def test_requests_go_side_by_side_and_no_more_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_, "CONNECTIONS", 3)
    async with told(FINE) as (server, post):
        assert await asyncio.gather(*(answer(post) for _ in range(20))) == [(200, b"{}")] * 20
    assert server.met <= 3


ENDS: dict[str, tuple[bytes, bytes, bool]] = {
    "in chunks": (OK + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}", False),
    "after interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\na: b\r\n\r\n" + FINE,
        b"{}",
        False,
    ),
    "with the connection": (OK + b"\r\n{}", b"{}", True),
    "without a body": (b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", b"", False),
}


@pytest.mark.parametrize("how", ENDS)
async def test_an_answer_ends_in_any_of_the_ways_of_http(how: str) -> None:
    said, body, leaves = ENDS[how]
    async with told(said, leaves=leaves) as (_, post):
        for _ in range(2):
            assert (await answer(post))[1] == body


async def test_a_redirect_is_an_answer_and_goes_nowhere() -> None:
    async with told(b"HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n") as (
        it,
        post,
    ):
        assert await answer(post) == (307, b"")
    assert it.met == 1


HOSTILE: dict[str, bytes] = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "nothing": b"",
    "half a head": OK,
    "half a body": OK + b"content-length: 9\r\n\r\n{}",
    "half a chunk": OK + b"transfer-encoding: chunked\r\n\r\n9\r\n{}",
    "a chunk of no size": OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "two lengths": OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a length and chunks": OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "many headers": OK + b"a: b\r\n" * 101 + b"content-length: 2\r\n\r\n{}",
    "a large header": OK + b"a: " + b"b" * 70_000 + b"\r\ncontent-length: 2\r\n\r\n{}",
    "large headers": OK + (b"a: " + b"b" * 7_000 + b"\r\n") * 10 + b"content-length: 2\r\n\r\n{}",
    "a head without an end": OK + b"a" * 200_000,
    "nothing but promises": b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + FINE,
    "another protocol": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx",
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_what_is_no_answer_is_an_error_at_once(what: str) -> None:
    async with told(HOSTILE[what], leaves=True) as (_, post):
        with pytest.raises(Lost):
            await answer(post)


async def test_what_comes_after_an_answer_is_no_answer_to_the_next() -> None:
    junk = FINE + OK + b"content-length: 4\r\n\r\nevil"
    async with told(junk, FINE) as (server, post):
        assert [await answer(post) for _ in range(2)] == [(200, b"{}")] * 2
    assert server.met == 2


async def test_who_leaves_before_the_end_hangs_up_and_an_endless_body_is_read_only_as_it_is_wanted() -> None:
    endless = OK + b"content-length: 99999999999\r\n\r\n" + b"x" * 30_000_000
    async with told(endless) as (server, post):
        async with post.post({}, b"") as response:
            assert len(await anext(aiter(response))) <= 1_000_000
        await server.left.wait()


async def test_a_header_cannot_be_smuggled_in_by_a_value() -> None:
    async with told(FINE) as (server, post):
        for value in ("a\r\nb: c", "a\nb", "a\0"):
            with pytest.raises(NoResponder):
                async with post.post({"authorization": value}, b""):
                    pass
    assert server.heard == []


async def test_a_server_that_is_not_there_is_an_error_of_the_network() -> None:
    async with told(FINE) as (_, post):
        pass
    with pytest.raises(OSError, match="onnect"):
        await answer(post)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said=st.lists(st.sampled_from([FINE, OK, b"\r\n", b"{}", b"0", b"HTTP/1.1 ", b":", b"\0", b"\xff"]), max_size=8))
def test_any_bytes_are_an_answer_or_an_error(said: list[bytes]) -> None:
    async def ask() -> None:
        async with told(b"".join(said), leaves=True) as (_, post):
            try:
                status, _ = await answer(post)
            except Lost:
                return
            assert status >= 200

    asyncio.run(ask())
