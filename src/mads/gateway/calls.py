"""One tool call, from a client's arguments to its answer; knows nothing of how either travels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mads.gateway import answer
from mads.gateway.door import Door
from mads.gateway.progress import Reporter, Tell
from mads.gateway.surface import Offer, Surface
from mads.guard.access import ANONYMOUS
from mads.wire.errors import CallError, InvalidMessage
from mads.wire.ids import call_ids
from mads.wire.tools import ToolInfo

CONVERSATION = "mads/conversation"
"""The key of a request's `_meta` by which a client says which conversation the call belongs to."""

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_CONVERSATION = re.compile(r"([\w.:-]{1,128})")


class Calls:
    """The tools of a door, listed and called."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._tools: Sequence[ToolInfo] = ()
        self._new_id = call_ids()
        self.surface = Surface(())

    async def refresh(self) -> Surface:
        """Return what the door offers now; raise `ConfigError` where clients could not use it."""
        tools = await self._door.tools()
        if tools is not self._tools:
            if tools != self._tools:
                self.surface = Surface(tools)
            self._tools = tools
        return self.surface

    async def call(
        self, offer: Offer, arguments: dict[str, Any], *, tell: Tell | None, meta: Mapping[str, Any]
    ) -> answer.Answer:
        """Call one tool; `meta` is what the client says of the request, `tell` how it wants to hear of progress."""
        request = self._new_id()
        trace, parent = _match(_TRACEPARENT, meta.get("traceparent")) or ("", "")
        conversation = _match(_CONVERSATION, meta.get(CONVERSATION))
        try:
            async with Reporter(tell) as reporter:
                value = await self._door.call(
                    offer.tool.name,
                    arguments,
                    request=request,
                    principal=ANONYMOUS,
                    sink=reporter,
                    trace=trace,
                    parent=parent,
                    conversation=conversation[0] if conversation else None,
                )
            if offer.tool.streams:
                value = reporter.items
            return answer.result(value, structured=offer.output_schema is not None, wrapped=offer.wrapped)
        except InvalidMessage as error:
            return answer.failure(_explained(error, offer, arguments), request)
        except CallError as error:
            return answer.failure(error, request)


def _explained(error: CallError, offer: Offer, arguments: dict[str, Any]) -> CallError:
    """Return what the schema has to say of the arguments that were refused, or `error` where that is nothing."""
    try:
        offer.arguments.check(arguments)
    except InvalidMessage as mistakes:
        return mistakes
    return error


def _match(form: re.Pattern[str], said: Any) -> tuple[str, ...] | None:
    """Return the parts of what a client said, or None where it did not say it in this form."""
    match = form.fullmatch(said) if isinstance(said, str) else None
    return match and match.groups()
