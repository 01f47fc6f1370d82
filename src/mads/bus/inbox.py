"""What waits for one subscription, up to `capacity` calls, and which of them is next."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter

from mads.bus.delivery import Delivery
from mads.bus.fair import Backlog
from mads.bus.pace import UNKNOWN
from mads.wire.call import Band, Call

BULK = int(Band.BULK)
OLD = 2.0
"""For how many seconds a call waits before its band gets turns of the bands before it."""
EVERY = 8
"""One turn of so many is for the band whose oldest call is old, whatever waits in the bands before it."""
SPARED = 4
"""One place of so many, and one at least, is never taken by a call of the last band."""


class Inbox:
    """The next call is one of the lowest band that may start; whose of that band, `mads.bus.fair` says.

    None of two with one (principal, key) starts before the other is released, and of the last band so many at most are
    out that some of the `at_once` places are left for others: what is urgent cannot wait for what takes long. With one
    place there are no such books. What `hand` brings, for which a worker is free, comes first. As long as all that
    waits is one conversation's it is a plain queue. `costs` are the seconds that calls of a subject take.
    """

    __slots__ = (
        *("_bands", "_bulks", "_costs", "_held", "_most", "_ready", "_row", "_senders", "_serial", "_turns"),
        *("capacity", "waiting"),
    )

    def __init__(self, capacity: int, *, at_once: int, costs: Mapping[str, float]) -> None:
        self.waiting = 0
        self.capacity, self._costs = capacity, costs
        self._serial, self._most = at_once == 1, _bulks(at_once)
        self._ready: deque[Delivery] = deque()
        self._row: deque[Delivery] = deque()
        self._bands: tuple[Backlog, ...] = tuple(Backlog() for _ in Band)
        self._held: set[tuple[str, str]] = set()
        self._senders: Counter[tuple[str, str]] = Counter()
        self._bulks = self._turns = 0

    def __iter__(self) -> Iterator[Delivery]:
        yield from self._ready
        yield from self._row
        for band in self._bands:
            yield from band

    def resize(self, at_once: int, running: Iterable[Call]) -> None:
        """Hand out calls for `at_once` places from now on; `running` are those that are out."""
        calls = [*running]
        self._serial, self._most = at_once == 1, _bulks(at_once)
        self._held = {(call.identity.principal, call.key) for call in calls if call.key is not None}
        self._bulks = sum(call.band == BULK for call in calls)
        self._row.extendleft(reversed(self._ready))
        self._ready.clear()
        self._part()

    def hand(self, delivery: Delivery) -> None:
        """Let a worker that is free have `delivery`."""
        self.waiting += 1
        self._ready.append(delivery)

    def put(self, delivery: Delivery) -> bool:
        """Let `delivery` wait; return False, and do nothing, where the inbox is full."""
        if self.waiting >= self.capacity and self.waiting - len(self._ready) >= self.capacity:
            return False
        row, call = self._row, delivery.call
        if row:
            last = row[-1].call
            is_next = (
                (call.identity is last.identity or call.identity == last.identity)
                and call.conversation == last.conversation
                and call.key == last.key
                and call.band == last.band
            )
        else:
            is_next = self._serial or (call.key is None and call.band != BULK)
            is_next = is_next and self.waiting == len(self._ready)
        self.waiting += 1
        if is_next:
            row.append(delivery)
        else:
            self._part()
            self._sort(delivery)
        return True

    def room(self, at_once: int) -> None:
        """Note that so many places are to be had, of those that there are."""
        self._most = _bulks(at_once)

    def before(self, call: Call) -> float:
        """Return for how many seconds others are handled first, one at a time, where `call` came now."""
        self._part()
        urgent = sum(band.root.work for band in self._bands[: call.band])
        return urgent + self._bands[call.band].before(call, self._cost(call))

    def yields(self, call: Call) -> Delivery | None:
        """Remove and return what gives way to `call` where the inbox is full; None where nothing does.

        It is the latest and least urgent of the sender of whom most waits, where that is more than of this one's: who
        sends without end crowds out himself, and nobody else.
        """
        if self._row and _sender(self._row[0].call) == _sender(call):
            return None
        self._part()
        crowd, most = max(self._senders.items(), key=itemgetter(1), default=(("", ""), 0))
        if most <= self._senders[_sender(call)] + 1:
            return None
        for band in reversed(self._bands):
            theirs = [delivery for delivery in band if _sender(delivery.call) == crowd]
            if theirs:
                last = max(reversed(theirs), key=lambda delivery: delivery.since)
                self.remove(last)
                return last
        return None

    def spared(self) -> Delivery | None:
        """Remove and return what can be spared first: of the last band that waits, and never of the first."""
        self._part()
        for band in reversed(self._bands[1:]):
            if band.waiting:
                least = band.root.least()
                self.remove(least)
                return least
        return None

    @property
    def is_urgent(self) -> bool:
        """Whether anything waits that is not of the last band."""
        if self._row:
            return self._row[0].call.band != BULK
        return any(band.waiting for band in self._bands[:BULK])

    def take(self, now: float) -> Delivery | None:
        """Remove and return the next call; None where none may start."""
        row = self._ready or self._row
        if row:
            self.waiting -= 1
            return row.popleft()
        if not self.waiting:
            return None
        self._turns += 1
        if self._turns % EVERY == 0 and (old := self._old(now)) is not None and (found := self._of(old)) is not None:
            return found
        for band in self._bands:
            if band.waiting and (found := self._of(band)) is not None:
                return found
        return None

    def release(self, call: Call) -> None:
        """Note that `call`, which was taken, is handled: the next with its key may start."""
        if self._serial:
            return
        if call.key is not None:
            self._held.discard((call.identity.principal, call.key))
        if call.band == BULK:
            self._bulks -= 1

    def remove(self, delivery: Delivery) -> bool:
        """Forget `delivery`; return whether it was waiting."""
        if delivery.line is not None:
            self._bands[delivery.call.band].remove(delivery)
            self._gone(delivery)
            return True
        for row in (self._ready, self._row):
            if delivery in row:
                row.remove(delivery)
                self.waiting -= 1
                return True
        return False

    def close(self) -> list[Delivery]:
        """Take nothing more; return, and forget, what waited."""
        left = list(self)
        for delivery in left:
            self.remove(delivery)
        self.capacity = 0
        return left

    def _old(self, now: float) -> Backlog | None:
        """Return the band of the oldest call that is old."""
        waiting = [band for band in self._bands if band.waiting]
        if len(waiting) == 1:
            return None
        oldest, since = min(((band, band.oldest) for band in waiting), key=itemgetter(1))
        return oldest if now - since > OLD else None

    def _of(self, band: Backlog) -> Delivery | None:
        """Remove and return the next of `band`."""
        found = band.root.next(self._price)
        if found is None:
            return None
        band.take(found)
        self._gone(found)
        if not self._serial:
            if found.call.band == BULK:
                self._bulks += 1
            if found.call.key is not None:
                self._held.add((found.call.identity.principal, found.call.key))
        return found

    def _price(self, delivery: Delivery) -> float | None:
        """Return what `delivery` costs; None where it may not start."""
        call = delivery.call
        if not self._serial:
            if call.band == BULK and self._bulks >= self._most:
                return None
            if call.key is not None and (call.identity.principal, call.key) in self._held:
                return None
        return self._cost(call)

    def _part(self) -> None:
        """Sort what is one conversation's into what may be those of many."""
        while self._row:
            self._sort(self._row.popleft())

    def _cost(self, call: Call) -> float:
        return self._costs.get(call.subject, UNKNOWN)

    def _sort(self, delivery: Delivery) -> None:
        delivery.cost = self._cost(delivery.call)
        self._senders[_sender(delivery.call)] += 1
        self._bands[delivery.call.band].put(delivery)

    def _gone(self, delivery: Delivery) -> None:
        self.waiting -= 1
        sender = _sender(delivery.call)
        self._senders[sender] -= 1
        if not self._senders[sender]:
            del self._senders[sender]


def _bulks(at_once: int) -> int:
    """Return how many of so many places calls of the last band may take."""
    return max(1, at_once - max(1, at_once // SPARED))


def _sender(call: Call) -> tuple[str, str]:
    """Return who sent `call`: the last MAD of its chain, or who stands at its start."""
    identity = call.identity
    return identity.tenant, identity.chain[-1] if identity.chain else identity.principal
