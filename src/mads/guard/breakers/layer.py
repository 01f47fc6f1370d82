"""The layer: calls of what is open are refused at once, and how the others end is counted.

It stands in the core, so a breaker knows of all calls, and is the same whichever life of the MAD answers.
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from mads.guard.breakers.breaker import Breaker, Changed, State
from mads.guard.breakers.patience import Patient
from mads.guard.breakers.rule import AWAY, FAILED, Rule
from mads.guard.switch import CONTROL
from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Broken
from mads.wire.failure import PARKED, Failure, failure_of
from mads.wire.record import Decision
from mads.wire.served import Served
from mads.wire.status import BreakerInfo

LATE = "late"
FAIR = 1.0
"""How many seconds a call must have had for it to be its callee's fault that it was late: who gives it less could else
have it taken from everybody. Where a rule says what is slow it is that."""

SILENT = ("cancelled", "broken", "overloaded", PARKED)
"""How a call ends that says nothing of its callee: its caller has left, another breaker had it refused, there was no
room for it, or it gave way to what is more urgent."""


class Breakers:
    """The breakers of one system, made when what they are for is first served; `changed` hears of them.

    What a `foreign` MAD answers is that of a server which nobody here wrote: what that refuses is no failure of it.
    """

    def __init__(
        self, rules: Sequence[Rule], foreign: Collection[str] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rules, self._foreign, self._clock = tuple(rules), foreign, clock
        self.changed: Changed = lambda _, __: None
        self._breakers: dict[tuple[str, Rule], Breaker] = {}

    def of(self, mad: str) -> tuple[BreakerInfo, ...]:
        """Return how those of one MAD stand, the one of the MAD as a whole first."""
        found = [it.info() for it in self._breakers.values() if it.what.partition(".")[0] == mad]
        return tuple(sorted(found, key=lambda it: it.what))

    def held(self, served: Served) -> tuple[Breaker, ...]:
        """Return those under which `served` falls."""
        if served.kind in ("event", "timer") or served.mad == CONTROL:
            return ()
        return tuple(self._breaker(rule.what(served), rule) for rule in self._rules if rule.is_for(served))

    def layer(self, served: Served) -> Layer:
        """Return the layer round `served`; what a MAD hears, or does by the clock, has no breaker."""
        held, counts = self.held(served), AWAY if served.mad in self._foreign else FAILED

        def layer(handle: Handle) -> Handle:
            for breaker in reversed(held):
                handle = _Watch(served, breaker, counts, handle, self._clock).call
            return handle

        return layer

    def _tell(self, breaker: Breaker, was: State) -> None:
        self.changed(breaker, was)

    def _breaker(self, what: str, rule: Rule) -> Breaker:
        key = (what, rule)
        if key not in self._breakers:
            self._breakers[key] = Breaker(what, rule, self._clock, self._tell)
        return self._breakers[key]


class _Watch:
    """Lets calls of `served` through unless `breaker` is open, and tells it how each ended."""

    __slots__ = ("_breaker", "_clock", "_counts", "_handle", "_served")

    def __init__(
        self, served: Served, breaker: Breaker, counts: Collection[str], handle: Handle, clock: Callable[[], float]
    ) -> None:
        self._served, self._breaker, self._counts, self._handle, self._clock = served, breaker, counts, handle, clock

    async def call(self, call: Call) -> Reply:
        """Return what the handler answers, or that it is left alone."""
        breaker, patient = self._breaker, None
        if breaker.state != "closed" and (wait := breaker.wait()):
            return self._refused(call, wait)
        ticket = breaker.enter()
        if call.sink is not None:
            patient = Patient(call.sink, self._clock)
            call = replace(call, sink=patient)
        began = self._clock()
        try:
            reply = await self._handle(call)
        except BaseException as error:
            self._ended(ticket, began, patient, _failure(error))
            raise
        if reply.failure is None:
            took = self._clock() - began
            breaker.leave(ticket, took if patient is None else took - patient.waited, "")
        else:
            self._ended(ticket, began, patient, reply.failure)
        return reply

    def _refused(self, call: Call, wait: float) -> Reply:
        breaker, mad = self._breaker, self._served.mad
        why = f"{breaker.what} is left alone for a while: {breaker.why}"
        told = f"mads.{mad}.{self._served.name} is not answered: {why}"
        error = Broken(told, where=mad, rule=why, retry_after=round(wait, 1))
        decision = Decision("breaker", allowed=False, rule=why)
        return Reply(failure=failure_of(error, request=call.id), decisions=(decision,))

    def _ended(self, ticket: int, began: float, patient: Patient | None, failure: Failure) -> None:
        """Tell how a call ended; what an author's error says stays out of it, for anybody reads that."""
        breaker, code = self._breaker, failure.code
        took = self._clock() - began - (patient.waited if patient else 0.0)
        if code in SILENT or (code == LATE and took < (breaker.rule.slow or FAIR)):
            breaker.leave(ticket, took, None)
        elif code in self._counts:
            breaker.leave(ticket, took, code, failure.message if code in AWAY else "")
        else:
            breaker.leave(ticket, took, "")


def _failure(error: BaseException) -> Failure:
    if isinstance(error, CancelledError):
        return Failure(error.args[0] if error.args else "cancelled", "")
    return failure_of(error)
