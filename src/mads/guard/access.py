"""Who may call what: the anonymous developer may call whatever destroys or reveals nothing."""

from __future__ import annotations

from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Denied
from mads.wire.served import Served

ANONYMOUS = "anonymous"
"""The principal of whoever knocks on loopback without saying who it is."""


def access(served: Served) -> Layer:
    """Refuse a destructive tool to the anonymous developer, at the end of any chain of calls."""

    def layer(handle: Handle) -> Handle:
        if not served.destructive:
            return handle

        async def guarded(call: Call) -> Reply:
            if call.identity.principal == ANONYMOUS:
                raise Denied(
                    f"{served.mad}.{served.name} is destructive and the caller is anonymous; "
                    f"call it from the command line: mads call {served.mad}.{served.name}"
                )
            return await handle(call)

        return guarded

    return layer
