"""The calls that are open on one connection to an MCP server, and who answers what it asks back."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from mcp.client.session import ClientRequestContext
from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CreateMessageResult,
    ElicitResult,
    ErrorData,
    ListRootsResult,
    LoggingMessageNotificationParams,
)
from pydantic import BaseModel, ValidationError

from mads.upstream.faults import told
from mads.upstream.peer import Peer, Said
from mads.wire.errors import CallError, Failed, Lost

_ANSWERS: dict[str, type[BaseModel]] = {
    "elicitation/create": ElicitResult,
    "sampling/createMessage": CreateMessageResult,
    "roots/list": ListRootsResult,
}


class Calls:
    """Who is behind each call that is open.

    In the older era a server asks without saying on behalf of which call; so who can be asked has to be alone.
    """

    def __init__(self) -> None:
        self._peers: list[Peer] = []

    def fits(self, peer: Peer) -> bool:
        """Return whether a call of `peer` may join those that are open, in the older era."""
        return not self._peers or not any(each.asked for each in (peer, *self._peers))

    @contextmanager
    def opened(self, peer: Peer) -> Generator[None]:
        """Count a call of `peer` among them."""
        self._peers.append(peer)
        try:
            yield
        finally:
            self._peers.remove(peer)

    async def sampled(self, context: ClientRequestContext, params: Any) -> Any:  # noqa: ARG002  the SDK's names
        """Answer `sampling/createMessage`."""
        return await self._asked("sampling/createMessage", params)

    async def rooted(self, context: ClientRequestContext) -> Any:  # noqa: ARG002  as above
        """Answer `roots/list`."""
        return await self._asked("roots/list", None)

    async def elicited(self, context: ClientRequestContext, params: Any) -> Any:  # noqa: ARG002  as above
        """Answer `elicitation/create`."""
        return await self._asked("elicitation/create", params)

    async def _asked(self, method: str, params: BaseModel | None) -> Any:
        """Answer a request that the server makes by itself; it does not say on behalf of which call."""
        if len(self._peers) != 1:
            said = f"{len(self._peers)} calls are open: nobody knows for which of them this is"
            return ErrorData(code=INVALID_PARAMS, message=said)
        try:
            return await _reply(method, {} if params is None else plain(params), "", self._peers[0])
        except CallError as error:
            return ErrorData(code=METHOD_NOT_FOUND, message=str(error))

    async def logged(self, params: LoggingMessageNotificationParams) -> None:
        """Pass on a line of the server's log where it can only be for one call."""
        if len(self._peers) == 1:
            self._peers[0].log(params.level, params.data, params.logger or "")


def plain(said: BaseModel) -> Said:
    """Return what a server said, as it said it."""
    return said.model_dump(by_alias=True, exclude_unset=True, mode="json")


async def answers(came: Said, peer: Peer) -> dict[str, BaseModel]:
    """Return what `peer` answers to all that an `InputRequiredResult` wants to know, by name."""
    wanted = _wanted(came)
    replies = await asyncio.gather(*(_reply(*request, name, peer) for name, request in wanted.items()))
    return dict(zip(wanted, replies, strict=True))


def _wanted(came: Said) -> dict[str, tuple[str, Said]]:
    """Return what a server wants to know, by name; raise `Lost` where that is no MCP."""
    match came:
        case {"inputRequests": {**requests}}:
            asked = cast("dict[str, Any]", requests)
        case _:
            asked = {}
    try:
        return {name: (str(it["method"]), dict(it.get("params") or {})) for name, it in asked.items()}
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise Lost("what it asks back is no MCP") from error


async def _reply(method: str, params: Said, name: str, peer: Peer) -> BaseModel:
    if method not in _ANSWERS:
        raise Failed(f"it asks for {method!r:.80}, which nobody knows")
    answer = await peer.ask(method, params, name)
    try:
        return _ANSWERS[method].model_validate(answer)
    except ValidationError as error:
        raise Failed(f"the answer to {method} does not fit: {told(error)}") from error
