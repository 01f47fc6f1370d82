"""A tool call as plain as most are, answered by hand at a third of what the transports of the SDK cost.

Whatever is unusual about a request makes it none of these; it goes through the SDK, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from mcp.server.runner import modern_error_data
from mcp.server.streamable_http import REQUEST_CANCELLED
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    INTERNAL_ERROR,
    PROTOCOL_VERSION_META_KEY,
    SERVER_INFO_META_KEY,
    ClientCapabilities,
    ErrorData,
)
from mcp_types.methods import serialize_server_result, validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from msgspec import Struct, field
from pydantic import ValidationError

from mads.gateway.calls import Calls, Client
from mads.gateway.protocol.handlers import errors
from mads.gateway.protocol.reach import LEVEL, can
from mads.gateway.protocol.sessions import Cancelled, Session
from mads.gateway.reach import Reach
from mads.wire.errors import CannotAsk, MadsError

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from mads.gateway.offer import Offer
    from mads.guard.credential import Grant
    from mads.wire.asking import Answer, Question

    Head = Mapping[bytes, bytes]

METHOD = "tools/call"
SESSION = b"mcp-session-id"

OLDER = ("2025-06-18", "2025-11-25")
"""The older revisions of which a result looks as it does today, but for the type that it says of itself."""

KNOWN = 256
"""How many of the things that clients say of themselves are remembered as well formed."""

_JSON = b"application/json"
_META = {PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY}
_TRACE = {"traceparent": b"traceparent", "tracestate": b"tracestate", "baggage": b"baggage"}


class _Params(Struct, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any] = {}
    meta: dict[str, Any] = field(name="_meta", default_factory=dict[str, Any])


class _Asked(Struct, forbid_unknown_fields=True):
    jsonrpc: Literal["2.0"]
    id: str | int
    method: Literal["tools/call"]
    params: _Params


class Plain(Struct, frozen=True):
    """One such call, and in the older era the session that it belongs to."""

    id: str | int
    offer: Offer
    arguments: dict[str, Any]
    client: Client
    session: Session | None


class PlainCalls:
    """Recognizes and answers them."""

    def __init__(self, calls: Calls, server: Server[Any]) -> None:
        self._calls, self._server = calls, server
        self._known: dict[bytes, frozenset[str]] = {}

    async def recognized(self, head: Head, said: Any, grant: Grant, session: Session | None) -> Plain | None:
        """Return what a request means, if it is such a call; `head` has each of its headers once."""
        asked = _asked(head, said)
        if asked is None:
            return None
        try:
            surface = await self._calls.refresh()
        except MadsError:
            return None
        offer = None if surface.search else surface.find(asked.params.name)
        if offer is None or offer.mirrors:
            return None
        version = head.get(b"mcp-protocol-version", b"").decode("latin-1")
        able = self._able(head, asked.params, version) if session is None else _able_in(session, version)
        if able is None or (offer.tool.interactive and (able or _hears(session))):
            return None
        spoken = {name: head[key].decode("latin-1") for name, key in _TRACE.items() if key in head}
        reach = Reach(can=able, ask=None if session is None else _unasked)
        client = Client(grant.identity, asked.params.meta, spoken, version, reach)
        return Plain(asked.id, offer, asked.params.arguments, client, session)

    async def answered(self, call: Plain) -> tuple[int, bytes]:
        """Answer a call; return the HTTP status and the body."""
        session = nullcontext() if call.session is None else call.session.answering(call.id)
        version = call.client.protocol
        try:
            with session, errors(version):
                told = await self._calls.call(call.offer, call.arguments, call.client)
            result = self._shaped(call.offer, version, told)
        except Cancelled:
            return _failed(call, ErrorData(code=REQUEST_CANCELLED, message="Request cancelled"))
        except Exception as error:  # noqa: BLE001  whatever it is, the SDK has an answer for it
            return _failed(call, modern_error_data(error))
        return 200, msgspec.json.encode({"jsonrpc": "2.0", "id": call.id, "result": result})

    def _able(self, head: Head, params: _Params, version: str) -> frozenset[str] | None:
        """Return the methods that a client of the newer era answers, None where the request is not quite in order."""
        meta = params.meta
        if (
            version not in MODERN_PROTOCOL_VERSIONS
            or meta.get(PROTOCOL_VERSION_META_KEY) != version
            or CLIENT_CAPABILITIES_META_KEY not in meta
            or head.get(b"mcp-method") != METHOD.encode()
            or head.get(b"mcp-name") != params.name.encode("ascii", "replace")
            or any(key.startswith("io.modelcontextprotocol/") and key not in _META for key in meta)
        ):
            return None
        itself = msgspec.json.encode([meta.get(key) for key in _META])
        able = self._known.get(itself)
        if able is None:
            able = _examined(version, meta)
            if able is not None:
                if len(self._known) >= KNOWN:
                    self._known.clear()
                self._known[itself] = able
        return able

    def _shaped(self, offer: Offer, version: str, told: dict[str, Any]) -> dict[str, Any]:
        """Return a result as a client of that version knows it; only what others wrote can be malformed."""
        if offer.tool.foreign is not None or offer.tool.content:
            try:
                told = serialize_server_result(METHOD, version, told)
            except ValidationError as error:
                raise MCPError(INTERNAL_ERROR, "Handler returned an invalid result") from error
        if version not in MODERN_PROTOCOL_VERSIONS:
            return {key: value for key, value in told.items() if key != "resultType"}
        return {**told, "_meta": {SERVER_INFO_META_KEY: self._server.server_info_stamp, **told.get("_meta", {})}}


def _asked(head: Head, said: Any) -> _Asked | None:
    """Return the tool call that a request is, if it has nothing to it but its name, its arguments and its `_meta`."""
    if (
        head.get(b"content-type") != _JSON
        or _JSON not in [kind.strip() for kind in head.get(b"accept", b"").split(b",")]
        or any(name.startswith(b"mcp-param-") for name in head)
    ):
        return None
    try:
        return msgspec.convert(said, _Asked)
    except msgspec.ValidationError:
        return None


def _examined(version: str, meta: dict[str, Any]) -> frozenset[str] | None:
    """Return the methods that a client answers, as it says itself; None where the SDK has something to say to that."""
    try:
        validate_client_request(METHOD, version, {"name": "", "_meta": meta})
        return can(ClientCapabilities.model_validate(meta[CLIENT_CAPABILITIES_META_KEY], by_name=False))
    except ValidationError:
        return None


def _able_in(session: Session, version: str) -> frozenset[str] | None:
    """Return the methods that the client of a session answers, None where it speaks another version there."""
    said = session.connection.client_params
    if version not in OLDER or session.connection.protocol_version != version or said is None:
        return None
    return can(said.capabilities)


def _hears(session: Session | None) -> bool:
    """Return whether the client of a session has asked for the log."""
    return session is not None and LEVEL in session.connection.state


async def _unasked(question: Question) -> Answer:
    raise CannotAsk(f"the client cannot be asked: it does not know {question.method}")


def _failed(call: Plain, error: ErrorData) -> tuple[int, bytes]:
    status = ERROR_CODE_HTTP_STATUS.get(error.code, 200) if call.session is None else 200
    told = error.model_dump(mode="json", by_alias=True, exclude_none=True)
    return status, msgspec.json.encode({"jsonrpc": "2.0", "id": call.id, "error": told})
