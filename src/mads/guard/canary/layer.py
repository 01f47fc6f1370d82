"""The layer that has a second version answer: for a part of the conversations, measured beside the first.

It stands behind access and limits, which are asked once, of the first version's tool; nobody else calls the second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple

from msgspec.structs import replace

from mads.guard.breakers.patience import Patient
from mads.guard.canary.costs import Costs
from mads.guard.canary.split import Split
from mads.store.ledger.port import Line
from mads.wire import codec
from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Denied
from mads.wire.failure import PARKED, failure_of
from mads.wire.ledger import Amount
from mads.wire.record import Decision
from mads.wire.served import Served

LAYER = "canary"

AWAY = ("stopped", "broken", "no_responder", "overloaded")
"""How a call to the second version fails of which nothing was done: the first one answers it."""

SILENT = ("cancelled", "stopped", PARKED)
"""What says nothing of a version: its caller has left, the operator has stopped it, or it gave way to others."""

SHADOWS = 8
"""How many calls at a time are put to the second version only to compare its answers: of more none is."""

Again = Callable[[Call, str], Call]
"""Makes a call once more, of the tool of that name."""


class Seen(NamedTuple):
    """What a call took, in seconds, and cost, in millionths."""

    took: float
    cost: int


class Canaries:
    """The canaries of a system, by the MAD that is divided; `begin` before any call is let through."""

    def __init__(self, splits: Iterable[Split], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.splits = {split.mad: split for split in splits}
        self.first = {split.use: split.mad for split in self.splits.values()}
        self._costs, self._clock = Costs(), clock
        self._sent, self._shadows = set[str](), set[asyncio.Task[None]]()

    def begin(self, again: Again, ask: Handle) -> None:
        """Make calls `again`, of another tool, and `ask` for their answers."""
        self._again, self._ask = again, ask

    def booked(self, line: Line, amount: Amount) -> None:
        """Count what was spent to whichever version spent it."""
        if self.splits:
            first = {self.first.get(mad) for mad in line.chain}
            self._costs.book(line.trace, [mad for mad in line.chain if mad not in first], amount.micro_usd)

    def layer(self, served: Served) -> Layer:
        """Return the layer round `served`; where no canary is declared that is nothing."""
        if served.mad in self.first:
            return lambda handle: self._only_sent(served, handle)
        split = self.splits.get(served.mad)
        if split is None or served.name not in split.tools or served.kind in ("event", "timer"):
            return lambda handle: handle

        def layer(handle: Handle) -> Handle:
            divided = _Divided(self, split, served, handle).call
            return lambda call: handle(call) if split.is_idle else divided(call)

        return layer

    async def send(self, call: Call, name: str) -> Reply:
        """Return what the second version's tool of that name answers."""
        sent = self._again(call, name)
        self._sent.add(sent.id)
        try:
            reply = await self._ask(sent)
        finally:
            self._sent.discard(sent.id)
        return reply if reply.failure is not None else replace(reply, body=codec.raw(reply.body), decisions=())

    async def measured(self, call: Call, mad: str, handle: Handle) -> tuple[Reply, Seen]:
        """Return what `handle`, which is that of `mad`, answers, what it took and what it cost; it raises nothing else.

        How long it waited for its caller to answer a question or to read on is not counted.
        """
        patient = None if call.sink is None else Patient(call.sink, self._clock)
        began, before = self._clock(), self._costs.begin(call.trace, mad)
        try:
            reply = await handle(call if patient is None else replace(call, sink=patient))
        except Exception as error:  # noqa: BLE001  whatever a handler raises is its answer
            reply = Reply(failure=failure_of(error, request=call.id, where=mad))
        finally:
            booked = self._costs.end(call.trace, mad, before)
        took = self._clock() - began - (patient.waited if patient else 0.0)
        return reply, Seen(took, max(reply.cost, booked))

    def shadow(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what its caller does not wait for, or leave it where there is enough of that."""
        if len(self._shadows) >= SHADOWS:
            work.close()
            return
        task = asyncio.create_task(work, name="shadow")
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def close(self) -> None:
        """Give up what is only asked to be compared."""
        for task in self._shadows:
            task.cancel()
        await asyncio.gather(*self._shadows, return_exceptions=True)

    def _only_sent(self, served: Served, handle: Handle) -> Handle:
        rule = f"it is the second version of mads.{self.first[served.mad]}.{served.name}"

        async def refused(call: Call) -> Reply:
            told = f"mads.{served.mad}.{served.name} is not called by its name: {rule}; call that"
            failure = failure_of(Denied(told, where=served.mad), request=call.id)
            return Reply(failure=failure, decisions=(Decision(LAYER, allowed=False, rule=rule),))

        itself = (served.mad,)
        return lambda call: (
            handle(call) if call.id in self._sent or call.identity.chain[-1:] == itself else refused(call)
        )


class _Divided:
    """One tool of which there are two versions."""

    def __init__(self, canaries: Canaries, split: Split, served: Served, handle: Handle) -> None:
        self._canaries, self._split, self._first, self._tool = canaries, split, handle, served.name
        self._second = f"mads.{split.use}.{served.name}"
        self._may_shadow = served.read_only and not served.streams and served.kind == "call"

    async def call(self, call: Call) -> Reply:
        """Return what one of the versions answers."""
        split = self._split
        if not split.takes(call):
            reply = await self._measured(call, split.mad, self._first)
            if self._may_shadow and reply.failure is None and split.shadows(call):
                self._canaries.shadow(self._compared(call, reply))
            return reply
        reply = await self._measured(call, split.use, lambda it: self._canaries.send(it, self._second))
        rule = f"{split.use} answered: {split.told}"
        if reply.failure is not None and reply.failure.code in AWAY:
            rule = f"{split.mad} answered, for {split.use} is {reply.failure.code}: {reply.failure.message}"
            reply = await self._first(call)
        return replace(reply, decisions=(Decision(LAYER, allowed=True, rule=rule), *reply.decisions))

    async def _measured(self, call: Call, mad: str, handle: Handle) -> Reply:
        reply, seen = await self._canaries.measured(call, mad, handle)
        failed = reply.failure is not None
        if reply.failure is None or reply.failure.code not in SILENT:
            self._split.saw(self._tool, new=mad == self._split.use, failed=failed, took=seen.took, cost=seen.cost)
        return reply

    async def _compared(self, call: Call, answered: Reply) -> None:
        """Ask the second version what the first has answered, and compare."""
        asked = replace(call, sink=None, notes=f"only compared with what {self._split.mad} answered")
        reply, _ = await self._canaries.measured(
            asked, self._split.use, lambda it: self._canaries.send(it, self._second)
        )
        if reply.failure is None or reply.failure.code not in SILENT:
            self._split.answered(differently=reply.failure is not None or _plain(reply) != _plain(answered))


def _plain(reply: Reply) -> Any:
    return codec.decode(codec.raw(reply.body), Any)
