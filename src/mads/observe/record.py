"""The outermost view of a call, in the core wherever its handler lives: when it ran, and how it ended."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TypeVar

from msgspec.structs import replace

from mads.observe.meter import Meter
from mads.observe.recorder import Recorder
from mads.observe.span import Span, Watched
from mads.wire.call import Call, Handle, Reply
from mads.wire.failure import Failure, failure_of
from mads.wire.ids import span_ids

R = TypeVar("R")

OWN = "host."
"""How the subjects begin on which the parts of one system talk to each other: they are no calls of anybody's."""


NONE = Reply()

ENDED = {
    "late": "it did not answer before the deadline",
    "lost": "it stopped serving before it answered",
    "cancelled": "its caller did not wait for the answer",
    "parked": "it gives way to more urgent work",
}
"""What is said of a call whose handler the bus cancelled, by the code that the bus gives for it."""


class Observer:
    """Makes a span of every call and counts it in its cell; `recorder` has it written.

    `judged` hears what guards decided about what is destructive.
    """

    def __init__(self) -> None:
        self.meter, self.recorder = Meter(), Recorder()
        self.judged: Callable[[Call, Reply], None] = lambda _, __: None
        self._known: dict[str, Watched] = {}
        self._new_span = span_ids()

    def round(self, watched: Mapping[str, Watched], handles: Mapping[str, Handle], stray: Handle) -> Handle:
        """Return `handles` behind this layer, by their subjects, which `watched` knows, and `stray` for any other."""
        self._known.update(watched)
        recorder, take = self.recorder, self.recorder.take

        async def observed(call: Call) -> Reply:
            seen = watched.get(call.subject)
            if seen is None:
                return await self._stray(call, stray)
            if recorder.is_full:
                await recorder.room()
            if seen.is_event:  # each of those who hear it does so in a span of its own
                call = replace(call, span=self._new_span())
            cell = seen.cell
            cell.calls += 1
            cell.running += 1
            kept, began = NONE, monotonic()
            try:
                reply = kept = await handles[call.subject](call)
                if reply.decisions and seen.served.destructive:
                    self.judged(call, reply)
            except BaseException as error:
                kept = _broken(error, call, seen.served.mad)
                raise
            finally:
                ended = monotonic()
                if ended >= call.deadline and kept.failure is None:
                    kept = _late(call, seen.served.mad)
                cell.end(ended - began, kept.failure, kept.cost)
                take(Span(seen, call, kept, began, ended))
            return reply

        return observed

    async def seen(self, watched: Watched, call: Call, work: Awaitable[R]) -> R:
        """Return what `work` comes to, as the handling of `call`: on record, without what came of it."""
        kept, began = NONE, monotonic()
        watched.cell.calls += 1
        watched.cell.running += 1
        try:
            return await work
        except BaseException as error:
            kept = _broken(error, call, watched.served.mad)
            raise
        finally:
            ended = monotonic()
            watched.cell.end(ended - began, kept.failure, 0)
            self.recorder.take(Span(watched, call, kept, began, ended))

    def refused(self, call: Call, failure: Failure) -> None:
        """Take note of a call that came to no handler."""
        if not call.subject.startswith(OWN):
            now = monotonic()
            self.recorder.take(Span(self._known.get(call.subject), call, Reply(failure=failure), now, now, False))

    async def _stray(self, call: Call, handle: Handle) -> Reply:
        """Have a call answered for which there is no handler."""
        try:
            reply = await handle(call)
        except Exception as error:
            self.refused(call, failure_of(error, request=call.id))
            raise
        if reply.failure is not None:
            self.refused(call, reply.failure)
        return reply


def _broken(error: BaseException, call: Call, mad: str) -> Reply:
    if not isinstance(error, CancelledError):
        return Reply(failure=failure_of(error, where=mad, request=call.id))
    code = error.args[0] if error.args else "cancelled"
    return Reply(failure=Failure(code, ENDED.get(code, ""), mad, call.id))


def _late(call: Call, mad: str) -> Reply:
    return Reply(failure=Failure("late", ENDED["late"], mad, call.id))
