"""The layer: a call is admitted by every rule that holds it, or refused by one that says when to come back.

It stands in the core, through which all calls go, so a rule has one counter wherever MADs run.
"""

from __future__ import annotations

from math import ceil

from msgspec.structs import replace

from mads.guard.limits.book import FREE, Book, Bound, Held
from mads.guard.limits.counter import Refusal, later
from mads.guard.limits.meter import Meter, size
from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Limited
from mads.wire.failure import failure_of
from mads.wire.record import Decision
from mads.wire.served import LayerFor, Served

DONE = Reply()

LONG = 10
"""From how many seconds on a pause is told in whole ones."""


def limits(book: Book) -> LayerFor:
    """Return the layer whose counters are in `book`; what a MAD hears, or does by the clock, has no limit."""

    def layer_for(served: Served) -> Layer:
        is_held = any(rule.is_for(served) for rule in book.rules)
        if not is_held or served.kind in ("event", "timer"):
            return lambda handle: handle
        known, admission = book.known(f"{served.mad}.{served.name}"), _Admission(book, served)

        def layer(handle: Handle) -> Handle:
            async def limited(call: Call) -> Reply:
                book.look()
                held = known.get(call.identity) or book.held(known, call.identity, served)
                return await handle(call) if held is FREE else await admission.admit(held, call, handle)

            return limited

        return layer

    return layer_for


class _Admission:
    """Lets calls of `served` through, counts them, and lets go of what they hold however they end."""

    def __init__(self, book: Book, served: Served) -> None:
        self._clock, self._mad = book.clock, served.mad
        self._name = f"mads.{served.mad}.{served.name}"

    async def admit(self, held: Held, call: Call, handle: Handle) -> Reply:
        """Return what `handle` answers, or why `held` does not let it."""
        if held.size is not None and (takes := size(call.body)) > held.size.most:
            return self._refused(call, self._large(held.size, f"its arguments take {takes} bytes"))
        today = self._clock.wall()
        while waits := [it for it in held.quotas if not it.is_ready(today)]:
            await waits[0].fill(today)
            today = self._clock.wall()
        now, refusal = self._clock.monotonic(), None
        for counter in held.counters:
            refusal = later(refusal, counter.refusal(now, today))
        if refusal is not None:
            return self._refused(call, self._busy(refusal))
        for counter in held.counters:
            counter.take(now)
        try:
            reply = await (handle(call) if held.reply is None else self._bounded(held.reply, call, handle))
        finally:
            took = self._clock.monotonic() - now
            for counter in held.counters:
                counter.free(took)
        return replace(reply, decisions=(*held.decisions, *reply.decisions))

    async def _bounded(self, bound: Bound, call: Call, handle: Handle) -> Reply:
        """Return what `handle` answers, or that it is larger than `bound`."""

        def large(takes: int) -> Limited:
            return self._large(bound, f"its answer takes {takes} bytes")

        meter = None if call.sink is None else Meter(call.sink, bound.most, large)
        try:
            reply = await handle(call if meter is None else replace(call, sink=meter))
        except Limited as error:
            if meter is None or error is not meter.error:
                raise
            reply = DONE
        if meter is not None and meter.error is not None:
            return self._refused(call, meter.error)
        takes = 0 if reply.body is None else size(reply.body)
        return self._refused(call, large(takes)) if takes > bound.most else reply

    def _large(self, bound: Bound, why: str) -> Limited:
        return Limited(f"{self._name}: {why}; {bound.rule}", where=self._mad, rule=bound.rule)

    def _busy(self, refusal: Refusal) -> Limited:
        told = f"{self._name} may not be called yet; {refusal.rule}"
        return Limited(told, where=self._mad, rule=refusal.rule, retry_after=_pause(refusal.again))

    def _refused(self, call: Call, error: Limited) -> Reply:
        decision = Decision("limits", allowed=False, rule=error.rule)
        return Reply(failure=failure_of(error, request=call.id), decisions=(decision,))


def _pause(seconds: float) -> float:
    """Return a pause as it is told: rounded up, to whole seconds where it is long."""
    return float(ceil(seconds)) if seconds >= LONG else ceil(seconds * 100) / 100
