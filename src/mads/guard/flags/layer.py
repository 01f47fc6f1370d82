"""A tool may have a flag of its own, by its canonical name: where that is false for a caller, it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from mads.guard.flags.snapshot import Evaluation, Snapshot
from mads.wire.call import Call, Handle, Identity, Layer, Reply
from mads.wire.errors import Stopped
from mads.wire.failure import failure_of
from mads.wire.record import Decision
from mads.wire.served import LayerFor, Served
from mads.wire.tools import ToolInfo

AGAIN = 5.0
"""In how many seconds whoever is refused may ask again: nobody knows how long it will be."""


class Source(Protocol):
    """Where the flags are as they stand now."""

    snapshot: Snapshot


def facts(identity: Identity, conversation: str | None, mad: str) -> dict[str, Any]:
    """Return what rules may ask of a call; who stays in one part of all is its conversation, or else its principal."""
    return {
        "targetingKey": conversation or identity.principal,
        "principal": identity.principal,
        "tenant": identity.tenant,
        "roles": list(identity.roles),
        "conversation": conversation or "",
        "mad": mad,
    }


def flags(source: Source) -> LayerFor:
    """Return the layer; what has no flag of its own is let pass."""

    def layer_for(served: Served) -> Layer:
        key = f"mads.{served.mad}.{served.name}"

        def layer(handle: Handle) -> Handle:
            async def judged(call: Call, snapshot: Snapshot) -> Reply:
                found = snapshot.evaluate(key, facts(call.identity, call.conversation, served.mad))
                if found.value is not False:
                    return await handle(call)
                decision = Decision("flags", allowed=False, rule=told(key, found))
                error = Stopped(
                    f"{key} is not answered: {decision.rule}", where=served.mad, rule=decision.rule, retry_after=AGAIN
                )
                return Reply(failure=failure_of(error, request=call.id), decisions=(decision,))

            return lambda call: judged(call, now) if key in (now := source.snapshot).flags else handle(call)

        return layer

    return layer_for


def marked(tools: Sequence[ToolInfo], snapshot: Snapshot, about: Mapping[str, Any]) -> Sequence[ToolInfo]:
    """Return `tools`, each of which says where its flag is false for whom all this is known of."""
    return [
        replace(tool, stopped=tool.stopped or told(tool.name, found))
        if tool.name in snapshot.flags and (found := snapshot.evaluate(tool.name, about)).value is False
        else tool
        for tool in tools
    ]


def told(key: str, found: Evaluation) -> str:
    """Return why a tool is off by its flag."""
    return f"the flag {key} is {found.variant} for this caller ({found.reason})"
