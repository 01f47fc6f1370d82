"""Who may call what: the anonymous developer may call whatever destroys or reveals nothing."""

from __future__ import annotations

from msgspec.structs import replace

from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Denied
from mads.wire.failure import failure_of
from mads.wire.record import Decision
from mads.wire.served import Served

ANONYMOUS = "anonymous"
"""The principal of whoever knocks on loopback without saying who it is."""

OPEN = Decision("access", allowed=True, rule="not destructive: anybody may call it")
KNOWN = Decision("access", allowed=True, rule="destructive: the caller is not anonymous")
CLOSED = Decision("access", allowed=False, rule="destructive: the caller is anonymous")


def access(served: Served) -> Layer:
    """Refuse a destructive tool to the anonymous developer, at the end of any chain of calls."""

    def layer(handle: Handle) -> Handle:
        if not served.destructive:
            return handle

        async def guarded(call: Call) -> Reply:
            if call.identity.principal == ANONYMOUS:
                return Reply(failure=failure_of(_denied(served, call)), decisions=(CLOSED,))
            reply = await handle(call)
            return replace(reply, decisions=(KNOWN, *reply.decisions))

        return guarded

    return layer


def standing(served: Served) -> tuple[Decision, ...]:
    """Return what is decided of every call of `served` alike, for which nothing stands in its way."""
    return () if served.destructive else (OPEN,)


def _denied(served: Served, call: Call) -> Denied:
    return Denied(
        f"{served.mad}.{served.name} is destructive and the caller is anonymous; "
        f"call it from the command line: mads call {served.mad}.{served.name}",
        where=served.mad,
        request=call.id,
    )
