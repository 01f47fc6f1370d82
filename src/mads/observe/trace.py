"""The innermost view of a call: while its handler runs it is the current one, and what it calls descends from it."""

from __future__ import annotations

import structlog

from mads.wire.call import EVENT, Call, Handle, Layer, Reply, current
from mads.wire.errors import MadsError
from mads.wire.served import Served


def trace(served: Served) -> Layer:
    """Make the call current for its handler, and log it with its trace id where the handler breaks."""
    log = structlog.get_logger(mad=served.mad)

    def layer(handle: Handle) -> Handle:
        async def traced(call: Call) -> Reply:
            token = current.set(call)
            try:
                return await handle(call)
            except MadsError as error:
                say = log.warning if call.subject.startswith(EVENT) else log.debug  # nobody hears of an event's end
                say("call failed", name=served.name, request=call.id, trace=call.trace, why=str(error))
                raise
            except Exception:
                log.exception("handler failed", name=served.name, request=call.id, trace=call.trace)
                raise
            finally:
                current.reset(token)

        return traced

    return layer
