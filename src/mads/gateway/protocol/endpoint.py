"""The two eras on one address: sessions of the older one, and how each request is answered, in JSON or in events."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from anyio import current_time
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mads.gateway.calls import Calls
from mads.gateway.protocol.handlers import server_of
from mads.gateway.protocol.plain import SESSION, Plain, PlainCalls
from mads.gateway.protocol.reach import GRANT
from mads.gateway.protocol.sessions import Sessions
from mads.gateway.search import inner
from mads.gateway.signin import NOBODY
from mads.guard.credential import Grant
from mads.wire.call import Identity
from mads.wire.tools import ToolInfo

if TYPE_CHECKING:
    from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
    from starlette.types import Receive, Scope, Send

SESSIONS = 1000
"""How many sessions of the older era may be open at once; for one more the one goes that was not used longest."""

_in_json: ContextVar[bool] = ContextVar("mads_answer_in_json", default=False)
"""Whether the request of this task is answered by one JSON body; if not, by events, which can carry progress."""


class Endpoint:
    """`/mcp`, both eras on one address."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._begun = Sessions()
        server = server_of(calls, self._begun)
        self._sessions, self._plain = _Sessions(server, max_sessions=SESSIONS), PlainCalls(calls, server)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the sessions of the older era while inside; enter and leave it in one task."""
        async with self._calls.running(), self._sessions.run():
            yield

    def shows(self, identity: Identity, tool: ToolInfo) -> bool:
        """Return whether `tool` is listed for `identity`."""
        return self._calls.shows(identity, tool)

    def meant(self, method: Any, params: Any) -> ToolInfo | None:
        """Return the tool, resource or prompt that a request is for; None where it is for none."""
        said = cast("dict[str, Any]", params) if isinstance(params, dict) else {}
        surface, key = self._calls.surface, said.get("uri" if method == "resources/read" else "name")
        if method == "tools/call" and surface.search is not None:
            key, _ = inner(key, said.get("arguments"))
        if not isinstance(key, str):
            return None
        match method:
            case "tools/call":
                offer = surface.find(key)
            case "prompts/get":
                offer = surface.prompt(key)
            case "resources/read":
                offer = (surface.resource(key) or (None,))[0]
            case _:
                offer = None
        return None if offer is None else offer.tool

    def end_sessions(self, owner: str) -> None:
        """End the sessions of the older era that were opened by a credential of `owner`."""
        self._sessions.end(owner)

    async def plain(self, scope: Scope, said: Any, grant: Grant) -> Plain | None:
        """Return the call that a request is, if it is a plain one, which `answered` answers."""
        head: dict[bytes, bytes] = dict(scope["headers"])
        if scope["method"] != "POST" or len(head) < len(scope["headers"]):
            return None
        session = None
        if _in_older_era(scope):
            id_ = head.get(SESSION, b"").decode("latin-1")
            session = self._begun.find(id_)
            if session is None or not self._sessions.open_to(id_, grant):
                return None
        return await self._plain.recognized(head, said, grant, session)

    async def answered(self, call: Plain) -> tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]:
        """Answer a plain call; return the HTTP status, the body, and which headers it has beside the usual."""
        id_ = call.session.connection.session_id if call.session is not None else None
        if id_ is None:
            return *await self._plain.answered(call), ()
        with self._sessions.busy(id_):
            return *await self._plain.answered(call), ((SESSION, id_.encode()),)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, grant: Grant, events: bool) -> None:
        """Answer one request of whom `grant` is for; in `events` where its client may be told or asked something first.

        What a session does outside of its requests happens in the context of the request that opened it, which
        therefore must not be answered in JSON.
        """
        scope[GRANT] = grant
        older = _in_older_era(scope)
        if older and grant is not NOBODY:  # the SDK then lets nobody else use the session
            scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=grant.owner, scopes=[]))
        opens_session = older and _header(scope, b"mcp-session-id") is None
        _in_json.set(not events and not opens_session)
        await self._sessions.handle_request(scope, receive, send)


def _in_older_era(scope: Scope) -> bool:
    return _header(scope, b"mcp-protocol-version") in (None, *HANDSHAKE_PROTOCOL_VERSIONS)


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


class _ByRequest:
    """Stands for a setting that the SDK makes once for all requests, where each makes its own.

    An answer in JSON costs half of one in events, which only progress needs.
    """

    def __get__(self, owner: object, kind: type | None = None) -> bool:
        return _in_json.get()

    def __set__(self, owner: object, value: object) -> None:
        """Leave it to the requests."""


class _Session(StreamableHTTPServerTransport):
    is_json_response_enabled: bool = cast("bool", _ByRequest())

    @contextmanager
    def busy(self) -> Generator[None]:
        """Answer a request inside, as the SDK does: the session is not idle meanwhile."""
        self._requests_in_flight += 1
        if self.idle_scope is not None:
            self.idle_scope.deadline = math.inf
        try:
            yield
        finally:
            self._requests_in_flight -= 1
            if self.idle_scope is not None and self._idle_timeout is not None and not self._requests_in_flight:
                self.idle_scope.deadline = current_time() + self._idle_timeout


class _Sessions(StreamableHTTPSessionManager):
    json_response: bool = cast("bool", _ByRequest())

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        if len(self._server_instances) >= SESSIONS:
            self._make_room()
        session = super()._admit_session(requestor)
        if session is not None:
            session.__class__ = _Session
        return session

    def open_to(self, id_: str, grant: Grant) -> bool:
        """Return whether that session may be used by whom `grant` is for."""
        session, owner = self._server_instances.get(id_), self._session_owners.get(id_)
        if session is None or session.is_terminated:
            return False
        return grant is NOBODY if owner is None else grant.owner == owner["client_id"]

    def busy(self, id_: str) -> AbstractContextManager[None]:
        """Return what keeps that session from being idle."""
        return cast("_Session", self._server_instances[id_]).busy()

    def end(self, owner: str) -> None:
        """End the sessions of `owner`, and what is being answered in them."""
        for key in [key for key, each in self._session_owners.items() if each["client_id"] == owner]:
            session = self._server_instances.pop(key, None)
            if session is not None and session.idle_scope is not None:
                session.idle_scope.cancel()

    def _make_room(self) -> None:
        """End the session that has been idle longest; one that answers a request has no deadline."""
        ends = {key: each.idle_scope for key, each in self._server_instances.items() if each.idle_scope is not None}
        key, end = min(ends.items(), key=lambda item: item[1].deadline, default=("", None))
        if end is not None and end.deadline < math.inf:
            end.cancel()
            del self._server_instances[key]
