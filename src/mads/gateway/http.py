"""The gateway's face on HTTP: who may come in, `/mcp` behind it, figures, and a page that tells how to connect."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import msgspec
from anyio import CancelScope

from mads.gateway.message import NoMessage, field, said_in
from mads.gateway.protocol import Endpoint, Plain
from mads.gateway.signin import METADATA, SignIn, Where
from mads.guard.credential import Grant, Unverified
from mads.guard.scopes import permits
from mads.wire.tools import ToolInfo

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

_CLOSE = (b"connection", b"close")
_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"
Figures = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Returns the page of figures and its content type, as a scraper asks for it in its `accept` header."""

_HOST = re.compile(rb"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_ORIGIN = re.compile(rb"https?://" + _HOST.pattern, re.IGNORECASE)


REFUSED = {401: -32001, 403: -32003}
"""What the JSON-RPC error is called in which a client without the right credential is told so."""


FARES = ToolInfo(name="mads.steward.ps", mad="steward", tool="ps", description="", input_schema={}, read_only=True)
"""The tool that opens the page of figures as well: both tell how the system fares."""


class HttpError(Exception):
    """The request is not served: an HTTP status, and a sentence that says why.

    `challenge` tells a client how to get the right credential; such a client speaks JSON-RPC and is answered in it.
    """

    def __init__(self, status: int, reason: str, challenge: bytes = b"") -> None:
        super().__init__(reason)
        self.status, self.challenge = status, challenge


class Front:
    """An ASGI application. A web page from elsewhere, or a name bent to this machine, gets nothing.

    Nor does who has to sign in and has not; only where to do so is told to everybody.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint], page: str, figures: Figures | None, signin: SignIn) -> None:
        self._endpoints, self._page, self._figures, self._signin = endpoints, page, figures, signin
        self._open: dict[CancelScope, str] = {}
        self._closing = False
        signin.ring.watch(self._end)

    def close(self) -> None:
        """Refuse new requests and end the open ones, streams included."""
        self._closing = True
        for work in self._open:
            work.cancel()

    def _end(self, owner: str, at: float) -> None:
        """End what is open by a credential at the time when that ends."""
        left = at - time.time()
        if left <= 0:
            for endpoint in self._endpoints.values():
                endpoint.end_sessions(owner)
        for work, whose in self._open.items():
            if whose == owner:
                work.deadline = min(work.deadline, asyncio.get_running_loop().time() + left)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # The parser leaves the white space round a header's value, which is no part of it.
        scope["headers"] = [(key, value.strip()) for key, value in scope["headers"]]
        answer = _Answer(send)
        try:
            where = self._admit(scope)
            if scope["path"].startswith(METADATA):
                await self._tell_of_tokens(where, answer)
                return
            grant = await self._signed_in(scope, where)
            if scope["path"] == "/":
                await answer.text(200, self._page)
            elif scope["path"] == "/metrics" and self._figures is not None:
                self._permit_reading(grant, where)
                accepted = b",".join(value for key, value in scope["headers"] if key == b"accept")
                page, kind = await self._figures(accepted.decode("latin-1"))
                await answer.body(200, page, kind)
            else:
                await self._serve(scope, receive, answer, grant, where)
        except HttpError as error:
            await answer.refuse(error, receive)

    def _admit(self, scope: Scope) -> Where:
        """Return by which name and at which path the gateway was called."""
        if self._closing:
            raise HttpError(503, "the gateway is closing")
        hosts = [value for key, value in scope["headers"] if key == b"host"]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            raise HttpError(421, "this gateway answers to 127.0.0.1 and localhost only")
        if not all(_ORIGIN.fullmatch(value) for key, value in scope["headers"] if key == b"origin"):
            raise HttpError(403, "this gateway answers no web page but those of this machine")
        pages = ("/",) if self._figures is None else ("/", "/metrics")
        path = scope["path"]
        meant = path.removeprefix(METADATA) if path.startswith(METADATA) else path
        if path not in (*pages, METADATA) and meant not in self._endpoints:
            served = ", ".join(self._endpoints)
            raise HttpError(404, f"there is only {served}, for MCP clients, and {', '.join(pages)}, to be read")
        if path not in self._endpoints and scope["method"] not in ("GET", "HEAD"):
            raise HttpError(405, f"MCP clients are served at {', '.join(self._endpoints)}")
        return Where(str(hosts[0], "ascii"), meant if meant in self._endpoints else "/mcp")

    async def _tell_of_tokens(self, where: Where, answer: _Answer) -> None:
        told = self._signin.metadata(where)
        if told is None:
            raise HttpError(404, "this gateway takes no tokens; write [gateway.oidc] in mads.toml")
        await answer.body(200, told, _JSON)

    async def _signed_in(self, scope: Scope, where: Where) -> Grant:
        """Return what the credential of a request grants."""
        try:
            return await self._signin.grant(scope["headers"])
        except Unverified as error:
            presented = any(name == b"authorization" for name, _ in scope["headers"])
            if presented:
                await self._signin.refused("", "", "gateway", str(error))
            said = ("invalid_token", str(error)) if presented else ()
            raise HttpError(401, str(error), self._signin.challenge(where, *said)) from None

    def _permit_reading(self, grant: Grant, where: Where) -> None:
        """Raise `HttpError` where a client may not know how the system fares, as the steward tells it."""
        scopes = grant.identity.scopes
        if scopes is not None and not permits(scopes, FARES.name, read_only=True):
            why = f"the credential is not for the figures; it needs the scope {FARES.name!r}"
            raise HttpError(403, why, self._signin.challenge(where, "insufficient_scope", why, FARES.name))
        if not self._endpoints["/mcp"].shows(grant.identity, FARES):
            raise HttpError(403, f"the figures are for whoever may call {FARES.name}, and no rule lets you")

    async def _permit(self, grant: Grant, tool: ToolInfo, where: Where) -> None:
        """Raise `HttpError` where a client calls what its credential is not for; the callee would refuse it."""
        missing = self._signin.missing(grant, tool)
        if missing is not None:
            why = f"the credential is not for this {tool.kind}; it needs the scope {missing!r}"
            await self._signin.refused(grant.identity.principal, grant.identity.tenant, tool.name, why)
            raise HttpError(403, why, self._signin.challenge(where, "insufficient_scope", why, missing))

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer, grant: Grant, where: Where) -> None:
        """Answer a client; end well where it is left without an answer: the gateway closes, its credential ends."""
        with CancelScope(deadline=_deadline(grant)) as work:
            self._open[work] = grant.owner
            try:
                body = await _body(scope, receive)
                said = _message(body)
                body = b"" if said is None else body  # the SDK would take a NaN, and says of nothing that it cannot
                endpoint = self._endpoints[where.path]
                tool = endpoint.meant(field(said, "method"), field(said, "params"))
                if tool is not None and grant.identity.scopes is not None:
                    await self._permit(grant, tool, where)
                events = b"progressToken" in body or b"logLevel" in body
                plain = None if events or tool is None else await endpoint.plain(scope, said, grant)
                if plain is not None:
                    await self._answer_plainly(endpoint, plain, receive, answer, work)
                    return
                with _Watch(receive, work, answer):
                    events = events or (tool is not None and tool.interactive)
                    await endpoint(scope, _again(body, receive), answer, grant=grant, events=events)
            finally:
                del self._open[work]
        if work.cancelled_caught:
            await answer.end(self._closing)

    async def _answer_plainly(
        self, endpoint: Endpoint, call: Plain, receive: Receive, answer: _Answer, work: CancelScope
    ) -> None:
        """Answer a call that is as plain as most are; in the older era it goes on when its client hangs up."""
        with _Watch(receive, work, answer) if call.session is None else nullcontext():
            status, body, more = await endpoint.answered(call)
            await answer.body(status, body, _JSON, *more)


def _deadline(grant: Grant) -> float:
    """Return when in the loop's time an answer has to end because its client's credential does."""
    if grant.expires is None:
        return math.inf
    return asyncio.get_running_loop().time() + grant.expires - time.time()


class _Watch:
    """Cancels work once its client has hung up; begins to look when the work is no longer quick.

    In the older era the handler is a session's work, not the request's: it goes on.
    """

    def __init__(self, receive: Receive, work: CancelScope, answer: _Answer) -> None:
        self._receive, self._work, self._answer = receive, work, answer
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
        if not self._answer.ended:  # who has its answer may go; a session that was opened with it is to stay
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


def _message(body: bytes) -> Any:
    """Return what the body of a request says, None where it is no JSON."""
    try:
        return said_in(body)
    except NoMessage as error:
        raise HttpError(400, str(error)) from None


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
        self.ended = False

    async def __call__(self, message: Message) -> None:
        self._started = True
        self.ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def text(self, status: int, text: str) -> None:
        """Answer with plain text."""
        await self.body(status, text.encode(), _TEXT)

    async def body(self, status: int, body: bytes, kind: str, *more: tuple[bytes, bytes], ends: bool = True) -> None:
        """Answer with a body of the content type `kind` and `more` headers."""
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), *more]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body, "more_body": not ends})

    async def refuse(self, error: HttpError, receive: Receive) -> None:
        """Say why, and hang up: not at once, since that on unread bytes is a reset, which may overtake the answer."""
        if error.challenge:
            told: Any = {"code": REFUSED[error.status], "message": str(error)}
            body = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": told})
            more = [_CLOSE, (b"www-authenticate", error.challenge)]
            await self.body(error.status, body, _JSON, *more, ends=False)
        else:
            await self.body(error.status, f"{error}\n".encode(), _TEXT, _CLOSE, ends=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while (await receive()).get("more_body", False):
                    pass
        await self({"type": "http.response.body", "body": b""})

    async def end(self, closing: bool) -> None:  # noqa: FBT001
        """End what was begun; where nothing was, say that the gateway closes, or the credential was good until now."""
        if not self._started:
            status, why = (503, "the gateway is closing") if closing else (401, "the credential is no longer good")
            await self.text(status, f"{why}\n")
        elif not self.ended:
            await self({"type": "http.response.body", "body": b""})
