"""One subscription in memory: an inbox, and the workers that empty it."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Future, Task
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from math import inf
from time import monotonic
from typing import Any, Literal, get_args

from mads.bus.codel import Shedder
from mads.bus.delivery import Delivery
from mads.bus.inbox import BULK, Inbox
from mads.bus.pace import Pace
from mads.bus.port import Refused
from mads.wire.call import Band, Call, Handle, Reply
from mads.wire.failure import Failure, failure_of

TURN = 0.002
"""For how many seconds a worker handles call after call before others get a turn of the loop."""

GRACE = 0.5
"""For how many seconds `close` waits for the handlers that it cancelled."""

TRIFLE = 0.001
"""Seconds above which each call is measured that is handled while others wait; of shorter ones one of `SAMPLE`."""
SAMPLE = 32
MOMENT = 0.005
"""Seconds that a call may wait without a thought of how much of its time that is."""

SOONEST = 0.05
"""The smallest `retry_after`, in seconds."""

Reason = Literal["full", "late", "shed"]
"""Why a call was refused as one too many: the inbox was full, it could not be in time, it was left out."""
REASONS: tuple[Reason, ...] = get_args(Reason)


class Worker:
    """A task that handles one delivery at a time.

    `delivery` is None while it rests, and from the moment its call is cancelled. It takes no other once it `stays` no
    longer.
    """

    __slots__ = ("delivery", "stays", "task")

    task: Task[None]

    def __init__(self, delivery: Delivery | None = None) -> None:
        self.delivery = delivery
        self.stays = True


class Serving:
    """An inbox and up to `at_once` workers: started when first needed, and kept, since a task for each call costs more.

    Handlers run in a copy of the subscriber's context, one for each worker: what a handler sets there stays there. One
    that ignores its cancellation keeps its worker.
    """

    def __init__(
        self,
        handle: Handle,
        leave: Callable[[Serving], None],
        refused: Refused,
        *,
        name: str,
        owner: str | None,
        at_once: int,
        capacity: int,
    ) -> None:
        self.dropped = 0
        self._handle = handle
        self._leave = leave
        self._refused = refused
        self._name = name
        self._owner = owner
        self._at_once = at_once
        self._capacity = capacity
        self._pace, self._shedder = Pace(), Shedder()
        self._inbox = Inbox(capacity, at_once=at_once, costs=self._pace.means)
        self.refused = dict.fromkeys(REASONS, 0)
        self._workers: set[Worker] = set()
        self._shortcuts: set[Worker] = set()
        self._resting: list[Future[None]] = []
        self._sealed = False
        self._busy_since = monotonic()
        self._served = 0
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()

    @property
    def waiting(self) -> int:
        """How many calls wait in the inbox."""
        return self._inbox.waiting

    @property
    def is_urgent(self) -> bool:
        """Whether anything waits that is not of the last band."""
        return self._inbox.is_urgent

    @property
    def load(self) -> int:
        """How many calls wait or are handled."""
        return self._inbox.waiting + len(self._running())

    def waits(self) -> tuple[float, str]:
        """Return for how many seconds the oldest call has waited, and what waits for what; 0 and "" where none does."""
        counts = Counter(Band(delivery.call.band).name.lower() for delivery in self._inbox)
        if not counts:
            return 0.0, ""
        oldest = min(delivery.since or inf for delivery in self._inbox)
        busy = sum(worker.delivery is not None for worker in self._workers)
        what = ", ".join(f"{count} {band}" for band, count in counts.items())
        free = "others of their key are handled, or the places that are free are kept for what is more urgent"
        why = f"{busy} of {self._at_once} places are taken" if busy >= self._at_once else free
        return max(0.0, monotonic() - oldest), f"{what}: {why}"

    def handled(self) -> list[Call]:
        """Return the calls that are being handled."""
        return [delivery.call for _, delivery in self._running()]

    def lose(self, call: Call, why: str) -> None:
        """End `call` with `lost` where it is being handled, and cancel its handler."""
        for worker, delivery in self._running():
            if delivery.call is call:
                self._fail(delivery, "lost", why)
                self._cancel(worker, "lost")

    def resize(self, at_once: int, capacity: int) -> None:
        """Handle `at_once` calls side by side from now on, and let `capacity` wait; what waits, and runs, goes on."""
        self._at_once, self._capacity = at_once, capacity
        running = [worker.delivery.call for worker in self._workers if worker.delivery is not None]
        self._inbox.capacity = capacity
        self._inbox.resize(at_once, running)
        busy_first = sorted(self._workers, key=lambda worker: worker.delivery is None)
        for worker in busy_first[at_once:]:
            worker.stays = False
        self._wake()
        for _ in range(self._inbox.waiting):
            self._hire()

    def leave(self) -> None:
        """Take nothing more; what was taken is served."""
        self._leave(self)

    async def seal(self) -> None:
        """Take no new call from now on; what was taken, and what it sends in its turn, is served."""
        self._sealed = True

    def takes(self, call: Call) -> bool:
        """Return whether `call` may come in."""
        return not self._sealed or call.cause is not None

    def offer(self, delivery: Delivery) -> bool:
        """Take `delivery`; return False where the inbox is full, and nobody has to give way."""
        inbox, call = self._inbox, delivery.call
        is_free = self._resting or len(self._workers) < self._at_once
        if is_free and ((call.key is None and call.band != BULK) or self._at_once == 1) and self._hire():
            inbox.hand(delivery)
            return True
        delivery.since = now = monotonic()
        most = inbox.waiting * self._pace.most
        if most > (call.deadline - now) * self._at_once and not is_free and (wait := self._hopeless(delivery)):
            why = f"what is before it takes {wait:.1f} s, and {call.deadline - now:.1f} s are left"
            self._overloaded(delivery, "late", why, wait)
            return True
        if not inbox.put(delivery):
            other = inbox.yields(call)
            if other is None:
                return False
            self._no_room(other)
            inbox.put(delivery)
        if is_free:
            self._hire()
        return True

    def _hire(self) -> bool:
        """Have a worker that rests look into the inbox, or a new one; return False where all are at work."""
        while self._resting:
            rest = self._resting.pop()
            if not rest.done():
                rest.set_result(None)
                return True
        if len(self._workers) >= self._at_once:
            return False
        worker = Worker()
        self._start(worker, self._work(worker), self._workers)
        return True

    def _hopeless(self, delivery: Delivery) -> float:
        """Return in how many seconds the turn of `delivery` comes where that is known to be too late, else 0."""
        call = delivery.call
        least = self._pace.leasts.get(call.subject)
        before = self._inbox.before(call) / self._at_once
        return before if least is not None and delivery.since + before + least > call.deadline else 0.0

    def ask(self, delivery: Delivery) -> None:
        """See to it that `delivery` is answered.

        Where the chain of the call that caused it holds the owner, the workers may be waiting for this very answer: a
        task of its own handles it. There are at most as many of those as fit into the inbox.
        """
        if self._sealed and not self.takes(delivery.call):
            self._refuse(delivery, "no_responder", "it is about to stop serving")
            return
        call = delivery.call
        if self._owner is None or call.cause is None or self._owner not in call.identity.chain:
            taken = self.offer(delivery)
        elif taken := len(self._shortcuts) < self._capacity:
            worker = Worker(delivery)
            self._start(worker, self._serve(worker, delivery), self._shortcuts)
        if not taken:
            self._no_room(delivery)

    def _no_room(self, delivery: Delivery) -> None:
        """Answer a call, or take note of an event, that finds no place in the inbox."""
        self._overloaded(delivery, "full", f"{self._capacity} calls wait already", self._retry_after())

    def drop(self, call: Call) -> None:
        """Take note of an event that found the inbox full."""
        self._no_room(Delivery(call))

    def _overloaded(self, delivery: Delivery, reason: Reason, why: str, again: float) -> None:
        """Answer a call, or take note of an event, that is not handled because there is too much to do."""
        self.refused[reason] += 1
        if delivery.answer is None:
            self.dropped += 1
        self._refuse(delivery, "overloaded", why, max(SOONEST, again))

    def withdraw(self, delivery: Delivery) -> None:
        """Forget `delivery` where it waits; cancel its handler where it runs."""
        if self._inbox.remove(delivery):
            self._refuse(delivery, "cancelled", "its caller has left")
            return
        for worker, running in self._running():
            if running is delivery:
                self._cancel(worker, "cancelled")

    def hasten(self, which: Callable[[Call], bool]) -> None:
        """Hand out at once what waits and is one of `which`: a guard refuses those, so they take no time."""
        for delivery in list(self._inbox):
            if which(delivery.call) and self._inbox.remove(delivery):
                worker = Worker(delivery)
                self._start(worker, self._serve(worker, delivery), self._shortcuts)

    def expire(self, now: float) -> float:
        """Answer what has passed its deadline by `now`, and return the next deadline."""
        soonest = inf
        for delivery in list(self._inbox):
            if delivery.call.deadline > now:
                soonest = min(soonest, delivery.call.deadline)
            else:
                self._inbox.remove(delivery)
                self._late(delivery, self._refuse)
        for worker, delivery in self._running():
            if delivery.call.deadline > now:
                soonest = min(soonest, delivery.call.deadline)
            else:
                self._cancel(worker, "late")
                self._late(delivery, self._fail)
        return soonest

    async def close(self) -> None:
        """Take nothing more, answer what waits with `no_responder`, cancel what runs."""
        for worker in self._workers:
            worker.stays = False
        self._leave(self)
        for delivery in self._inbox.close():
            self._refuse(delivery, "no_responder", "it has stopped serving")
        own = asyncio.current_task()  # a handler may close its own subscription, and goes on
        for worker, delivery in self._running():
            if worker.task is not own:
                self._fail(delivery, "lost", "it stopped serving before it answered")
                self._cancel(worker, "lost")
        self._wake()
        others = {worker.task for worker in self._workers | self._shortcuts} - {own}
        if others:
            await asyncio.wait(others, timeout=GRACE)

    async def _work(self, worker: Worker) -> None:
        inbox, shedder, serve = self._inbox, self._shedder, self._serve
        now = turn = self._busy_since = monotonic()
        self._served = 0
        while worker.stays:
            if now > turn + TURN:
                await asyncio.sleep(0)
                now = turn = monotonic()
                continue
            delivery = inbox.take(now)
            if delivery is None:
                call = None  # whoever rests holds no call
                await self._rest()
                now = turn = self._busy_since = monotonic()
                self._served = 0
                continue
            since, call = delivery.since, delivery.call
            try:
                is_doubtful = since and (now > since + MOMENT or not shedder.calm)
                if is_doubtful and not self._worth_while(delivery, now):
                    continue
                if call.deadline > now:
                    worker.delivery = delivery
                    began, now = now, await serve(worker, delivery)
                    if (now - began > TRIFLE or not self._served % SAMPLE) and inbox.waiting:
                        self._pace.took(call.subject, now - began)
                else:
                    self._late(delivery, self._refuse)
            finally:
                if call.key is not None or call.band == BULK:
                    inbox.release(call)
            self._served += 1

    def _worth_while(self, delivery: Delivery, now: float) -> bool:
        """Return whether `delivery`, which has waited, can still be answered in time; leave another out if need be."""
        call, waited = delivery.call, now - delivery.since
        if self._shedder.sheds(waited, call.deadline - delivery.since, now) and (spared := self._inbox.spared()):
            why = f"calls wait {waited:.1f} s here, and this one is the least urgent"
            self._overloaded(spared, "shed", why, self._retry_after())
        least = self._pace.leasts.get(call.subject, 0.0)
        if now < call.deadline < now + least:
            why = f"it takes {least:.2f} s at least, and {call.deadline - now:.2f} s are left"
            self._pace.doubt(call.subject)
            self._overloaded(delivery, "late", why, self._retry_after())
            return False
        return True

    async def _serve(self, worker: Worker, delivery: Delivery) -> float:
        """Handle `delivery`; return when that was done."""
        call = delivery.call
        try:
            reply = await self._handle(call)
            if reply.settled is not None:
                if worker.delivery is not None and len(self._shortcuts) < self._capacity:
                    worker.delivery = None
                    self._start(Worker(delivery), self._settle(delivery, reply, reply.settled), self._shortcuts)
                    return monotonic()
                await reply.settled
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its caller's to know
            reply = Reply(failure=failure_of(error, where=self._name, request=call.id))
            if delivery.answer is None and worker.delivery is not None:
                self._report(error, call)
        withdrawn = worker.delivery is None
        if withdrawn:
            worker.task.uncancel()
        worker.delivery = None
        if worker.task.cancelling():  # by somebody else: the loop is about to end
            self._fail(delivery, "lost", "its task was cancelled before it answered")
            raise CancelledError
        ended = monotonic()
        if not withdrawn and call.deadline <= ended:
            self._late(delivery, self._fail)
        delivery.end(reply)
        return ended

    async def _settle(self, delivery: Delivery, reply: Reply, settled: Awaitable[None]) -> None:
        """Answer once `settled` is done, while the worker handles others."""
        await settled
        delivery.end(reply)

    def _wake(self) -> None:
        """Have every worker that rests look about."""
        for rest in self._resting:
            if not rest.done():
                rest.set_result(None)
        self._resting.clear()

    def _rest(self) -> Future[None]:
        rest = self._loop.create_future()
        self._resting.append(rest)
        return rest

    def _start(self, worker: Worker, run: Coroutine[Any, Any, Any], among: set[Worker]) -> None:
        worker.task = self._loop.create_task(run, context=self._context.copy())
        worker.task.add_done_callback(lambda _: among.discard(worker))
        among.add(worker)

    def _running(self) -> list[tuple[Worker, Delivery]]:
        everyone = (*self._workers, *self._shortcuts)
        return [(worker, delivery) for worker in everyone if (delivery := worker.delivery) is not None]

    def _cancel(self, worker: Worker, code: str) -> None:
        """Cancel what `worker` handles; the layers round it are told by `code` how that ended."""
        worker.delivery = None
        worker.task.cancel(code)

    def _retry_after(self) -> float:
        """Return in how many seconds the calls that wait now will be done, at the pace since a worker last rested."""
        each = (monotonic() - self._busy_since) / max(self._served, 1)
        return max(SOONEST, each * self._inbox.waiting)

    def _late(self, delivery: Delivery, end: Callable[[Delivery, str, str], None]) -> None:
        if delivery.answer is None:
            self.dropped += 1
        end(delivery, "late", "it did not answer before the deadline")

    def _fail(self, delivery: Delivery, code: str, why: str) -> None:
        """End what has come to its handler."""
        delivery.end(Reply(failure=self._failure(delivery.call, code, why)))

    def _refuse(self, delivery: Delivery, code: str, why: str, retry_after: float | None = None) -> None:
        """End what has not come to a handler."""
        failure = self._failure(delivery.call, code, why, retry_after)
        self._refused(delivery.call, failure)
        delivery.end(Reply(failure=failure))

    def _failure(self, call: Call, code: str, why: str, retry_after: float | None = None) -> Failure:
        message = f"{call.subject!r} was not answered by {self._name!r}: {why}"
        return Failure(code, message, self._name, call.id, retry_after)

    def _report(self, error: BaseException, call: Call) -> None:
        """Tell the loop of an error that no caller will see."""
        message = f"{self._name!r} failed at {call.subject!r}, request {call.id!r}"
        self._loop.call_exception_handler({"message": message, "exception": error})
