"""Critical events that were refused are dead letters, too: to be looked at, published after all, or forgotten."""

from __future__ import annotations

import time

import structlog
from msgspec import Raw

from mads.bus.port import Bus
from mads.host.commands.envelope import Envelope, now_ms
from mads.host.events.critical import Gate
from mads.host.needs import EVENT_PATIENCE
from mads.store.commands.port import Commands, Order
from mads.wire import codec
from mads.wire.call import EVENT, Band, Call
from mads.wire.errors import StoreError
from mads.wire.ids import call_ids, span_ids

MOST = 1000
"""How many are kept: whoever is refused may go on for ever."""

LARGEST = 256 * 1024
"""How many bytes the body of one may have to be kept with it."""


class Refused:
    """Keeps refused events in `store`, and publishes on `bus` what `gate` lets pass in the end."""

    def __init__(self, store: Commands, bus: Bus, gate: Gate) -> None:
        self._store, self._bus, self._gate = store, bus, gate
        self._kept: int | None = None
        self._new_id, self._new_span = call_ids(), span_ids()

    async def keep(self, call: Call, why: str) -> int | None:
        """Return the number of the dead letter that `call` becomes; None where there are too many, or none can be."""
        try:
            if self._kept is None:
                self._kept = sum(entry.subject.startswith(EVENT) for entry in await self._store.entries("dead"))
            if self._kept >= MOST:
                return None
            self._kept += 1
            ((seq, _),) = await self._store.add([_order(call)])
            await self._store.fail(seq, now=now_ms(), why=why, due=None)
        except StoreError as error:
            structlog.get_logger().error("a refused event was not kept", subject=call.subject, why=str(error))
            return None
        return seq

    async def publish(self, it: Envelope[Raw]) -> None:
        """Publish what was refused; raise `InvalidMessage` or `Denied` where it would be again."""
        call = Call(
            subject=it.subject,
            body=it.body,
            id=self._new_id(),
            deadline=time.monotonic() + EVENT_PATIENCE,
            identity=it.identity,
            trace=it.trace,
            span=self._new_span(),
            conversation=it.conversation,
            key=it.key,
            parent=it.parent,
            made=time.monotonic(),
        )
        await self._bus.publish(self._gate.check(call))

    def forget(self, count: int) -> None:
        """Take note that so many are gone."""
        if self._kept is not None:
            self._kept -= count


def _order(call: Call) -> Order:
    body = codec.raw(call.body)
    if memoryview(body).nbytes > LARGEST:
        body = codec.raw(f"(a body of {memoryview(body).nbytes} bytes, which was not kept)")
    sender = (call.identity.chain or (call.identity.principal,))[-1]
    parts = (call.subject, Raw(bytes(body)), call.identity, call.trace, call.conversation, call.key, Band.NORMAL)
    envelope, now = Envelope(*parts, call.span), now_ms()
    row = (call.identity.tenant, sender, call.subject, call.key, Band.NORMAL, None, now, now, None, 0)
    return Order(*row, codec.encode(envelope))
