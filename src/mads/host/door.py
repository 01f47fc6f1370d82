"""The way in for people and other programs: a tool by name with JSON arguments, over any bus."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from msgspec import Raw

from mads.author.message import subject
from mads.author.signals import OffersChanged, ResourceUpdated
from mads.bus.port import Bus
from mads.guard.principals import OPERATOR
from mads.host.caller import Caller
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply, Sink
from mads.wire.context import Origin
from mads.wire.failure import error_of
from mads.wire.ids import span_ids, trace_ids
from mads.wire.tools import ToolInfo
from mads.wire.worth import millionths

PATIENCE = 60.0
"""Seconds that a call from outside waits for its answer."""

ASKING = 600.0
"""Seconds that it waits where a person may have to be asked meanwhile."""

RIGHTS = "*"
"""Stands for an address where who may call what has changed."""

CHANGES = (subject(ResourceUpdated), subject(OffersChanged))
"""The events by which a door hears of changes."""

T = TypeVar("T")

Tools = Callable[[], Coroutine[Any, Any, Sequence[ToolInfo]]]


class BusDoor:
    """Calls the tools that `tools` lists over `bus`, with plain JSON in and out; `missing` is who is not all there."""

    def __init__(self, bus: Bus, tools: Tools, missing: Callable[[], Mapping[str, str]] = dict[str, str]) -> None:
        self._bus, self.tools, self.missing = bus, tools, missing
        self._new_trace, self._new_span = trace_ids(), span_ids()
        self._listed: Sequence[ToolInfo] = ()
        self._known: dict[str, ToolInfo] = {}

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        request: str,
        identity: Identity,
        sink: Sink,
        origin: Origin | None = None,
        conversation: str | None = None,
        notes: str | None = None,
        patience: float | None = None,
        worth: float | None = None,
    ) -> Any:
        """Call `tool` by its canonical name; return its result, or None where it streams its items into `sink`.

        Without an `origin` it begins a trace. The answer is `worth` so many dollars. Raises `CallError`; cancelling it
        cancels the handler.
        """
        if notes is not None:
            codec.check_notes(notes)
        valued = millionths(worth)
        known = await self._info(tool)
        now = time.monotonic()
        origin = origin or Origin(self._new_trace(), self._new_span())
        call = Call(
            subject=tool,
            body=codec.raw(arguments),
            id=request,
            deadline=now + (patience or (ASKING if known and known.interactive else PATIENCE)),
            identity=identity,
            trace=origin.trace,
            span=origin.span,
            conversation=conversation,
            notes=notes,
            sink=sink,
            parent=origin.parent,
            context=origin.context,
            made=now,
            worth=valued,
        )
        if known is None or not known.streams:
            return _result(await self._bus.request(call))
        async with self._bus.stream(call) as items:
            async for item in items:
                await sink.item(_plain(item))
            return _result(items.reply)

    @asynccontextmanager
    async def watched(self, hear: Callable[[str], None]) -> AsyncGenerator[None]:
        """Let `hear` hear, while inside, at which address something has changed; "" is for what is offered."""

        async def heard(call: Call) -> Reply:
            body = codec.raw(call.body)
            if call.subject == CHANGES[1]:
                hear("" if codec.decode(body, OffersChanged).mad else RIGHTS)
            else:
                hear(codec.decode(body, ResourceUpdated).uri)
            return Reply()

        subscription = await self._bus.subscribe(CHANGES, heard, capacity=1024)
        try:
            yield
        finally:
            await subscription.close()

    async def _info(self, tool: str) -> ToolInfo | None:
        listed = await self.tools()
        if listed is not self._listed:
            self._listed, self._known = listed, {info.name: info for info in listed}
        return self._known.get(tool)


async def tools_of(bus: Bus, principal: str = OPERATOR) -> Sequence[ToolInfo]:
    """Return the tools that `principal` may call of the system that `bus` leads to; raise `CallError`."""
    return await _told(bus, "tools", list[ToolInfo], principal)


async def missing_of(bus: Bus) -> Mapping[str, str]:
    """Return which MADs of the system that `bus` leads to do not offer all they could, and why; raise `CallError`."""
    return await _told(bus, "missing", dict[str, str], OPERATOR)


async def _told(bus: Bus, tool: str, type_: type[T], principal: str) -> T:
    reply = await bus.request(Caller(Identity(principal)).call(f"mads.steward.{tool}", codec.raw({})))
    if reply.failure is not None:
        raise error_of(reply.failure)
    told: T = codec.decode(codec.raw(reply.body), type_)
    return told


def _result(reply: Reply) -> Any:
    if reply.failure is not None:
        raise error_of(reply.failure)
    return _plain(reply.body)


def _plain(body: Any) -> Any:
    return codec.plain(codec.decode(body, Any) if type(body) is Raw else body)
