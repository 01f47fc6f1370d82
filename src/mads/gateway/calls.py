"""One tool call, from a client's arguments to its answer; knows nothing of how either travels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec
from msgspec import Struct

from mads.gateway import answer
from mads.gateway.door import Door
from mads.gateway.progress import Reporter, Tell
from mads.gateway.surface import Offer, Surface
from mads.wire.call import Identity
from mads.wire.context import Origin, incoming, traceparent
from mads.wire.errors import CallError, InvalidMessage
from mads.wire.ids import call_ids, span_ids, trace_ids
from mads.wire.tools import ToolInfo

CONVERSATION = "mads/conversation"
"""The key of a request's `_meta` by which a client says which conversation the call belongs to."""

NOTES = "mads/notes"
"""The key of a request's `_meta` for prose that rides along with the call, for whoever reads its record."""

_CONVERSATION = re.compile(r"[\w.:-]{1,128}")


class Client(Struct, frozen=True):
    """Who calls, and what it says beside that: the `_meta` of its request, its HTTP headers, its version of MCP."""

    identity: Identity
    meta: Mapping[str, Any]
    headers: Mapping[str, str]
    protocol: str


class Calls:
    """The tools of a door, listed and called."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._tools: Sequence[ToolInfo] = ()
        self._new_id, self._new_trace, self._new_span = call_ids(), trace_ids(), span_ids()
        self.surface = Surface(())

    @classmethod
    async def of(cls, door: Door) -> Self:
        """Return the tools of `door`; raise `ConfigError` where clients could not use their names."""
        calls = cls(door)
        await calls.refresh()
        return calls

    async def refresh(self) -> Surface:
        """Return what the door offers now; raise `ConfigError` where clients could not use it."""
        tools = await self._door.tools()
        if tools is not self._tools:
            if tools != self._tools:
                self.surface = Surface(tools)
            self._tools = tools
        return self.surface

    async def call(
        self, offer: Offer, arguments: dict[str, Any], *, tell: Tell | None, client: Client
    ) -> answer.Answer:
        """Call one tool; `tell` is how its client wants to hear of progress."""
        request, origin = self._new_id(), self._origin(client)
        told = await self._answer(offer, arguments, tell=tell, client=client, request=request, origin=origin)
        meta = {"traceparent": traceparent(origin.trace, origin.span, origin.context)}
        return {**told, "_meta": {**told.get("_meta", {}), **meta}}

    def _origin(self, client: Client) -> Origin:
        """Return where a call stands: in the trace that the request names, else the connection, else in its own."""
        ways = [incoming(client.meta), incoming(client.headers)]
        said = next((way for way in ways if way.trace), ways[0])
        context = msgspec.structs.replace(said.context, protocol=client.protocol)
        return Origin(said.trace or self._new_trace(), self._new_span(), said.parent, context)

    async def _answer(
        self,
        offer: Offer,
        arguments: dict[str, Any],
        *,
        tell: Tell | None,
        client: Client,
        request: str,
        origin: Origin,
    ) -> answer.Answer:
        said = client.meta.get(CONVERSATION)
        try:
            async with Reporter(tell) as reporter:
                value = await self._door.call(
                    offer.tool.name,
                    arguments,
                    request=request,
                    identity=client.identity,
                    sink=reporter,
                    origin=origin,
                    conversation=said if isinstance(said, str) and _CONVERSATION.fullmatch(said) else None,
                    notes=_notes(client.meta),
                )
            if offer.tool.streams:
                value = reporter.items
            return answer.result(value, structured=offer.output_schema is not None, wrapped=offer.wrapped)
        except InvalidMessage as error:
            return answer.failure(_explained(error, offer, arguments), request)
        except CallError as error:
            return answer.failure(error, request)


def _notes(meta: Mapping[str, Any]) -> str | None:
    notes = meta.get(NOTES)
    if notes is not None and not isinstance(notes, str):
        raise InvalidMessage(f"{NOTES} is prose; write a string, not {notes!r:.80}")
    return notes


def _explained(error: CallError, offer: Offer, arguments: dict[str, Any]) -> CallError:
    """Return what the schema has to say of the arguments that were refused, or `error` where that is nothing."""
    try:
        offer.arguments.check(arguments)
    except InvalidMessage as mistakes:
        return mistakes
    return error
