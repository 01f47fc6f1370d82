"""The host raises the critical events of every system: to whoever hears them, at once, and never at their expense."""

from __future__ import annotations

import asyncio
import time

import structlog

from mads.author.message import subject
from mads.author.signals import (
    OWNER,
    Attempt,
    BreakerChanged,
    CanaryChanged,
    OffersChanged,
    SecurityEvent,
    StateChanged,
)
from mads.bus.port import Bus
from mads.guard.principals import HOST
from mads.host.needs import EVENT_PATIENCE
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply
from mads.wire.errors import CallError
from mads.wire.ids import call_ids, span_ids, trace_ids

ECHOES = 3
"""How often a security event may descend from another: what its own hearers cause must come to an end."""


Signal = StateChanged | SecurityEvent | OffersChanged | BreakerChanged | CanaryChanged


class Signals:
    """Publishes what the host has to say on `bus`; `close` it before that."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._new_id, self._new_trace, self._new_span = call_ids(), trace_ids(), span_ids()
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger()

    def tell(self, event: Signal, *, about: Call | None = None) -> None:
        """Publish `event`, which `about` gave rise to; returns at once, and never raises."""
        chain = about.identity.chain if about else ()
        call = Call(
            subject=subject(type(event)),
            body=codec.raw(event),
            id=self._new_id(),
            deadline=time.monotonic() + EVENT_PATIENCE,
            identity=Identity(HOST, chain=(*chain, OWNER)),
            trace=about.trace if about else self._new_trace(),
            span=self._new_span(),
            cause=about.id if about else None,
        )
        task = asyncio.get_running_loop().create_task(self._publish(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def attempted(
        self, kind: Attempt, call: Call, why: str, *, mad: str | None = None, letter: int | None = None
    ) -> None:
        """Tell that `call` was an attempt at something forbidden, by `mad` or else the last of its chain."""
        who = call.identity.chain[-1] if mad is None and call.identity.chain else mad or ""
        self._log.warning(
            "security", kind=kind, mad=who, subject=call.subject, request=call.id, trace=call.trace, why=why
        )
        if call.identity.chain.count(OWNER) <= ECHOES:
            event = SecurityEvent(kind, who, call.identity.principal, call.subject, why, call.id, letter)
            self.tell(event, about=call)

    def denied(self, call: Call, reply: Reply) -> None:
        """Tell that `call` was not its caller's to make; that it came too often is no attempt at anything."""
        for decision in reply.decisions:
            if not decision.allowed and decision.layer == "access":
                self.attempted("call_denied", call, f"{decision.layer}: {decision.rule}")

    def usurped(self, pattern: str, mad: str) -> None:
        """Tell that `mad` tried to serve what is another's."""
        self._log.warning("security", kind="service_usurped", mad=mad, subject=pattern)
        self.tell(SecurityEvent("service_usurped", mad, f"mad:{mad}", pattern, f"{pattern!r} is not {mad}'s to serve"))

    async def close(self) -> None:
        """Let what was told reach the inboxes of those who hear it."""
        await asyncio.gather(*self._tasks)

    async def _publish(self, call: Call) -> None:
        try:
            await self._bus.publish(call)
        except CallError as error:
            self._log.error("a signal was not published", subject=call.subject, why=str(error))
