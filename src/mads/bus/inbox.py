"""What waits for one subscription: up to `capacity` calls in four bands, and which of them is next."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from operator import itemgetter

from msgspec import Struct

from mads.wire.call import Band, Call, Reply


class Delivery(Struct, eq=False):
    """A call on its way to a handler; `answer` is None where nobody waits for a reply."""

    call: Call
    answer: asyncio.Future[Reply] | None = None

    def end(self, reply: Reply) -> None:
        """Give `reply` to whoever still waits for one."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(reply)


class Inbox:
    """The next call is the oldest of the lowest band whose (principal, key) nobody handles.

    A taken call holds its key until `release`; a `serial` inbox, of which one call at a time is handled, needs no such
    books. Looking past the calls whose key is held takes as many steps as there are of them.
    """

    __slots__ = ("_bands", "_capacity", "_held", "_serial", "waiting")

    def __init__(self, capacity: int, *, serial: bool) -> None:
        self.waiting = 0
        self._capacity = capacity
        self._serial = serial
        self._bands: tuple[deque[Delivery], ...] = tuple(deque() for _ in Band)
        self._held: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Delivery]:
        for band in self._bands:
            yield from band

    def put(self, delivery: Delivery) -> bool:
        """Let `delivery` wait; return False, and do nothing, where the inbox is full."""
        if self.waiting >= self._capacity:
            return False
        self.waiting += 1
        self._bands[delivery.call.band].append(delivery)
        return True

    def yields(self, call: Call) -> Delivery | None:
        """Remove and return what gives way to `call` where the inbox is full; None where nothing does.

        It is the latest and least urgent of the sender of whom most waits, where that is more than of this one's: who
        sends without end crowds out himself, and nobody else.
        """
        waiting = Counter(_sender(delivery.call) for delivery in self)
        crowd, most = max(waiting.items(), key=itemgetter(1), default=("", 0))
        if most <= waiting[_sender(call)] + 1:
            return None
        last = next(it for band in reversed(self._bands) for it in reversed(band) if _sender(it.call) == crowd)
        self.remove(last)
        return last

    def take(self) -> Delivery | None:
        """Remove and return the next call; None where none may start."""
        if not self.waiting:
            return None
        for band in self._bands:
            if band:
                delivery = band.popleft() if self._serial else self._first_free(band)
                if delivery is not None:
                    self.waiting -= 1
                    return delivery
        return None

    def release(self, call: Call) -> None:
        """Let the next call with the key of `call` start."""
        if call.key is not None:
            self._held.discard((call.identity.principal, call.key))

    def remove(self, delivery: Delivery) -> bool:
        """Forget `delivery`; return whether it was waiting."""
        try:
            self._bands[delivery.call.band].remove(delivery)
        except ValueError:
            return False
        self.waiting -= 1
        return True

    def close(self) -> list[Delivery]:
        """Take nothing more; return, and forget, what waited."""
        left = list(self)
        for band in self._bands:
            band.clear()
        self.waiting = self._capacity = 0
        return left

    def _first_free(self, band: deque[Delivery]) -> Delivery | None:
        for place, delivery in enumerate(band):
            call = delivery.call
            if call.key is not None:
                key = (call.identity.principal, call.key)
                if key in self._held:
                    continue
                self._held.add(key)
            del band[place]
            return delivery
        return None


def _sender(call: Call) -> str:
    """Return who sent `call`: the last MAD of its chain, or who stands at its start."""
    identity = call.identity
    return identity.chain[-1] if identity.chain else identity.principal
