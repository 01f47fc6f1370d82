"""How each era reaches the client of a request: questions and log lines beside the answer, or in rounds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    LOG_LEVEL_META_KEY,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageResult,
    ElicitRequest,
    ElicitResult,
    InputResponseRequestParams,
    ListRootsRequest,
    ListRootsResult,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mads.gateway.reach import Reach
from mads.gateway.signin import NOBODY
from mads.guard.credential import Grant
from mads.host.door import ASKING
from mads.wire.asking import LEVELS, Answer, Asks, LogLine, Question

if TYPE_CHECKING:
    from mcp.server.connection import Connection
    from mcp.server.context import ServerRequestContext

    Context = ServerRequestContext[Any, Any]

GRANT = "mads.grant"
"""The key of a request's scope that says who sent it."""

LEVEL = "mads.level"
"""The key of a session's state that holds from which level on its client wants to read the log."""

ROUND_WITHIN = ASKING + 60.0
"""The seconds for which a round is good: a call that waits for its client ends before."""

CAPABILITIES: Mapping[Asks, str] = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
"""What a client says that it can, for each method by which it is asked."""

_MODELS: Mapping[Asks, tuple[Any, Any]] = {
    "elicitation/create": (ElicitRequest, ElicitResult),
    "sampling/createMessage": (CreateMessageRequest, CreateMessageResult),
    "roots/list": (ListRootsRequest, ListRootsResult),
}


def sealing(audience: str) -> RequestStateBoundary:
    """Return what seals the state of a round for its client, and lets it in again: for the same principal and call."""
    keys = [os.urandom(32)]  # what waits for a round is in this process, and so may be the key
    security = RequestStateSecurity(keys=keys, ttl=ROUND_WITHIN, bind_principal=_bound, audience=audience)
    return RequestStateBoundary(security, default_audience=audience)


def grant_of(context: Context) -> Grant:
    """Return what was found out at the door of who sent a request; over stdio nobody signs in."""
    return NOBODY if context.request is None else cast("Grant", context.request.scope[GRANT])


def connection_of(context: Context) -> Connection:
    """Return the client's connection, which in the older era lasts for a session."""
    return context.session._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the SDK keeps a session's state there, and has no other way to it


def reach_of(context: Context, params: InputResponseRequestParams | None = None) -> Reach:
    """Return how the client of a request can be reached until that is answered."""
    older = context.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS
    meta = cast("Mapping[str, Any]", context.meta or {})
    level = connection_of(context).state.get(LEVEL, "info") if older else meta.get(LOG_LEVEL_META_KEY)
    responses = (params.input_responses if params else None) or {}
    answers = {name: it.model_dump(by_alias=True, mode="json", exclude_none=True) for name, it in responses.items()}
    return Reach(
        tell=context.session.report_progress if "progress_token" in meta else None,
        log=_Log(context, LEVELS.index(level)) if level in LEVELS else None,
        ask=_Ask(context) if older else None,
        can=can(context.session.client_capabilities),
        answers=answers,
        state=params.request_state if params else None,
    )


def can(capabilities: ClientCapabilities | None) -> frozenset[str]:
    """Return the methods that a client answers, which says this of itself."""
    said = CAPABILITIES.items()
    return frozenset(method for method, name in said if capabilities and getattr(capabilities, name) is not None)


def _bound(context: Context) -> str:
    grant = grant_of(context)
    return f"{grant.owner} {grant.identity.tenant} {grant.identity.principal}"


class _Log:
    """Sends the lines that matter enough to a client, on the stream of its request."""

    def __init__(self, context: Context, least: int) -> None:
        self._context, self._least = context, least

    async def __call__(self, line: LogLine) -> None:
        """Send a line."""
        if LEVELS.index(line.level) >= self._least:
            params = LoggingMessageNotificationParams(level=line.level, data=line.data, logger=line.logger or None)
            notification = LoggingMessageNotification(params=params)
            await self._context.session.send_notification(notification, self._context.request_id)


class _Ask:
    """Puts questions to a client of the older era, on the stream of its request."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, question: Question) -> Answer:
        """Return the answer."""
        request, result = _MODELS[question.method]
        answer = await self._context.session.send_request(
            request.model_validate({"method": question.method, "params": question.params}),
            result,
            metadata=ServerMessageMetadata(related_request_id=self._context.request_id),
        )
        return cast("Answer", answer.model_dump(by_alias=True, mode="json", exclude_none=True))
