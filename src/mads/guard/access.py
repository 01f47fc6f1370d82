"""Who may call what: that for which its credential is; the anonymous developer whatever is not destructive."""

from __future__ import annotations

from collections.abc import Awaitable

from msgspec.structs import replace

from mads.guard.principals import ANONYMOUS
from mads.guard.scopes import permits
from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Denied
from mads.wire.failure import failure_of
from mads.wire.record import Decision
from mads.wire.served import Served

OPEN = Decision("access", allowed=True, rule="not destructive: anybody may call it")
KNOWN = Decision("access", allowed=True, rule="destructive: the caller is not anonymous")
WITHIN = Decision("access", allowed=True, rule="within the scopes of the caller's credential")
OUTSIDE = Decision("access", allowed=False, rule="outside the scopes of the caller's credential")
CLOSED = Decision("access", allowed=False, rule="destructive: the caller is anonymous")


def access(served: Served) -> Layer:
    """Refuse what the caller's credential is not for, and a destructive tool to the anonymous developer.

    A scope says what its bearer may ask for, not what a MAD then does to answer; the anonymous developer is refused at
    the end of any chain of calls.
    """

    def layer(handle: Handle) -> Handle:
        def guarded(call: Call) -> Awaitable[Reply]:
            return opened(call) if call.identity.scopes is None else scoped(call, call.identity.scopes)

        async def scoped(call: Call, scopes: tuple[str, ...]) -> Reply:
            if not permits(scopes, f"mads.{served.mad}.{served.name}", read_only=served.read_only):
                return Reply(failure=failure_of(_not_for(served, call)), decisions=(OUTSIDE,))
            reply = await opened(call)
            return replace(reply, decisions=(WITHIN, *reply.decisions))

        async def known(call: Call) -> Reply:
            if call.identity.principal == ANONYMOUS:
                return Reply(failure=failure_of(_denied(served, call)), decisions=(CLOSED,))
            reply = await handle(call)
            return replace(reply, decisions=(KNOWN, *reply.decisions))

        opened = known if served.destructive else handle

        return guarded

    return layer


def standing(served: Served) -> tuple[Decision, ...]:
    """Return what is decided of every call of `served` alike, for which nothing stands in its way."""
    return () if served.destructive else (OPEN,)


def _not_for(served: Served, call: Call) -> Denied:
    name = f"mads.{served.mad}.{served.name}"
    return Denied(
        f"the credential of {call.identity.principal!r} is not for {name}; it needs that as a scope",
        where=served.mad,
        request=call.id,
    )


def _denied(served: Served, call: Call) -> Denied:
    return Denied(
        f"{served.mad}.{served.name} is destructive and the caller is anonymous; "
        f"call it from the command line: mads call {served.mad}.{served.name}",
        where=served.mad,
        request=call.id,
    )
