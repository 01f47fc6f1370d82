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
from mads.wire.failure import Failure, failure_of
from mads.wire.record import Decision
from mads.wire.served import Served
from mads.wire.status import BreakerInfo

LATE = "late"
FAIR = 1.0
"""How many seconds a call must have had for it to be its callee's fault that it was late: who gives it less could else
have it taken from everybody. Where a rule says what is slow it is that."""

GIVEN_UP = "cancelled"
"""How a call ends whose caller has left."""


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
            return _Watch(served, held, counts, handle, self._clock).call if held else handle

        return layer

    def _tell(self, breaker: Breaker, was: State) -> None:
        self.changed(breaker, was)

    def _breaker(self, what: str, rule: Rule) -> Breaker:
        key = (what, rule)
        if key not in self._breakers:
            self._breakers[key] = Breaker(what, rule, self._clock, self._tell)
        return self._breakers[key]


class _Watch:
    """Lets calls of `served` through where none of `held` is open, and tells them how each ended."""

    def __init__(
        self,
        served: Served,
        held: tuple[Breaker, ...],
        counts: Collection[str],
        handle: Handle,
        clock: Callable[[], float],
    ) -> None:
        self._served, self._held, self._counts, self._handle, self._clock = served, held, counts, handle, clock

    async def call(self, call: Call) -> Reply:
        """Return what the handler answers, or that it is left alone."""
        for breaker in self._held:
            if wait := breaker.wait():
                return self._refused(call, breaker, wait)
        tickets = [breaker.enter() for breaker in self._held]
        patient = None if call.sink is None else Patient(call.sink, self._clock)
        failure, began = None, self._clock()
        try:
            reply = await self._handle(call if patient is None else replace(call, sink=patient))
            failure = reply.failure
        except CancelledError as error:
            failure = Failure(error.args[0] if error.args else GIVEN_UP, "")
            raise
        except BaseException as error:
            failure = failure_of(error)
            raise
        finally:
            took = self._clock() - began - (patient.waited if patient else 0.0)
            for breaker, ticket in zip(self._held, tickets, strict=True):
                self._tell(breaker, ticket, took, failure)
        return reply

    def _refused(self, call: Call, breaker: Breaker, wait: float) -> Reply:
        name, mad = f"mads.{self._served.mad}.{self._served.name}", self._served.mad
        why = f"{breaker.what} is left alone for a while: {breaker.why}"
        error = Broken(f"{name} is not answered: {why}", where=mad, rule=why, retry_after=round(wait, 1))
        decision = Decision("breaker", allowed=False, rule=why)
        return Reply(failure=failure_of(error, request=call.id), decisions=(decision,))

    def _tell(self, breaker: Breaker, ticket: int, took: float, failure: Failure | None) -> None:
        """Tell a breaker how a call ended; what an author's error says stays out of it, for anybody reads that."""
        if failure is not None and failure.code == LATE and took < (breaker.rule.slow or FAIR):
            breaker.leave(ticket, took, None)
        elif failure is None or (failure.code not in self._counts and failure.code != GIVEN_UP):
            breaker.leave(ticket, took, "")
        elif failure.code == GIVEN_UP:
            breaker.leave(ticket, took, None)
        else:
            breaker.leave(ticket, took, failure.code, failure.message if failure.code in AWAY else "")
