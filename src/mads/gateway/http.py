"""The gateway's face on HTTP: what may come in, `/mcp` behind it, figures, and a page that tells how to connect."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from anyio import CancelScope

from mads.gateway.protocol import Endpoint

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

MAX_BODY = 4 * 1024 * 1024
"""The largest request, in bytes."""

BODY_WITHIN = 30.0
"""The seconds that a client has to send its request."""

LINGER = 0.5
"""The seconds for which a refused client may go on sending, so that it comes to read why."""

QUICK = 0.05
"""The seconds after which the client of a request is watched."""

Figures = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Returns the page of figures and its content type, as a scraper asks for it in its `accept` header."""

_HOST = re.compile(rb"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_ORIGIN = re.compile(rb"https?://" + _HOST.pattern, re.IGNORECASE)


class HttpError(Exception):
    """The request is not served: an HTTP status, and a sentence that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Front:
    """An ASGI application. A web page from elsewhere, or a name bent to this machine, gets nothing."""

    def __init__(self, endpoint: Endpoint, page: str, figures: Figures | None) -> None:
        self._endpoint = endpoint
        self._page = page
        self._figures = figures
        self._open: set[CancelScope] = set()
        self._closing = False

    def close(self) -> None:
        """Refuse new requests and end the open ones, streams included."""
        self._closing = True
        for work in self._open:
            work.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # The parser leaves the white space round a header's value, which is no part of it.
        scope["headers"] = [(key, value.strip()) for key, value in scope["headers"]]
        answer = _Answer(send)
        try:
            self._admit(scope)
            if scope["path"] == "/":
                await answer.text(200, self._page)
            elif scope["path"] == "/metrics" and self._figures is not None:
                accepted = b",".join(value for key, value in scope["headers"] if key == b"accept")
                page, kind = await self._figures(accepted.decode("latin-1"))
                await answer.body(200, page, kind)
            else:
                await self._serve(scope, receive, answer)
        except HttpError as error:
            await answer.refuse(error, receive)

    def _admit(self, scope: Scope) -> None:
        if self._closing:
            raise HttpError(503, "the gateway is closing")
        hosts = [value for key, value in scope["headers"] if key == b"host"]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            raise HttpError(421, "this gateway answers to 127.0.0.1 and localhost only")
        if not all(_ORIGIN.fullmatch(value) for key, value in scope["headers"] if key == b"origin"):
            raise HttpError(403, "this gateway answers no web page but those of this machine")
        pages = ("/",) if self._figures is None else ("/", "/metrics")
        if scope["path"] not in (*pages, "/mcp"):
            raise HttpError(404, f"there is only /mcp, for MCP clients, and {', '.join(pages)}, to be read")
        if scope["path"] != "/mcp" and scope["method"] not in ("GET", "HEAD"):
            raise HttpError(405, "MCP clients are served at /mcp")

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """Answer a client; end well where it is left without an answer because the gateway closes."""
        with CancelScope() as work:
            self._open.add(work)
            try:
                body = _strict(await _body(scope, receive))
                with _Watch(receive, work):
                    progress = b"progressToken" in body
                    await self._endpoint(scope, _again(body, receive), answer, progress=progress)
            finally:
                self._open.discard(work)
        if work.cancelled_caught:
            await answer.end()


class _Watch:
    """Cancels work once its client has hung up; begins to look when the work is no longer quick.

    In the older era the handler is a session's work, not the request's: it goes on.
    """

    def __init__(self, receive: Receive, work: CancelScope) -> None:
        self._receive, self._work = receive, work
        self._looking: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(QUICK, self._begin)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    def _begin(self) -> None:
        self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._work.cancel()


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Return all of a request's body."""
    too_large = HttpError(413, f"a request may have at most {MAX_BODY} bytes")
    declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise HttpError(400, "the request broke off")
                body += message.get("body", b"")
                if len(body) > MAX_BODY:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise HttpError(408, f"the request did not come within {BODY_WITHIN:g} s") from None


def _strict(body: bytes) -> bytes:
    """Return `body`, or nothing where it is no JSON: the SDK would take a NaN, and says of nothing that it cannot."""
    try:
        msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return b""
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that was read, then what follows."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


class _Answer:
    """A `send` that knows how far the answer has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False
        self._ended = False

    async def __call__(self, message: Message) -> None:
        self._started = True
        self._ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def text(self, status: int, text: str, *more: tuple[bytes, bytes], ends: bool = True) -> None:
        """Answer with plain text and `more` headers."""
        await self.body(status, text.encode(), "text/plain; charset=utf-8", *more, ends=ends)

    async def body(self, status: int, body: bytes, kind: str, *more: tuple[bytes, bytes], ends: bool = True) -> None:
        """Answer with a body of the content type `kind` and `more` headers."""
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), *more]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body, "more_body": not ends})

    async def refuse(self, error: HttpError, receive: Receive) -> None:
        """Say why, and hang up: not at once, since that on unread bytes is a reset, which may overtake the answer."""
        await self.text(error.status, f"{error}\n", (b"connection", b"close"), ends=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while (await receive()).get("more_body", False):
                    pass
        await self({"type": "http.response.body", "body": b""})

    async def end(self) -> None:
        """End what was begun; where nothing was, say that the gateway closes."""
        if not self._started:
            await self.text(503, "the gateway is closing\n")
        elif not self._ended:
            await self({"type": "http.response.body", "body": b""})
