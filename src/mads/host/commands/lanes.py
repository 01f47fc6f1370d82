"""Which command is next: tenants and senders take turns; those of one key come in the order of their numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush

from msgspec import Struct

from mads.wire.call import Band

Key = tuple[str, str, str]
"""Tenant, sender and key."""

EVERY = 8
"""One turn of so many is for the band whose next command is due for longest, whatever waits in the bands before it."""


class Head(Struct, eq=False, gc=False):
    """What must be known of a command to say when its turn is; `due` and `expires` in seconds of one monotonic clock.

    `attempt` is the last that was begun, `why` says how it failed, `failures` how often in this process, `mad` is where
    it goes; it is `whose` tenant's and sender's. A command without a `key` waits for no other.
    """

    seq: int
    key: Key | None
    band: int
    due: float
    expires: float
    attempt: int
    attempts: int
    why: str = ""
    mad: str = ""
    failures: int = 0
    scheduled: bool = False
    whose: tuple[str, str] = ("", "")


class _Lane:
    """The commands of one key: a heap for each band, whose first has its place in the schedule or is `aside`."""

    __slots__ = ("aside", "bands", "held")

    def __init__(self) -> None:
        self.bands: dict[int, list[tuple[int, Head]]] = {}
        self.aside: list[Head] = []
        self.held = False


class _Queue:
    """The commands of one sender that are due, by their numbers."""

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        self._heads: list[tuple[int, Head]] = []

    def __bool__(self) -> bool:
        return bool(self._heads)

    @property
    def due(self) -> float:
        """When the next one was due."""
        return self._heads[0][1].due

    def put(self, head: Head) -> None:
        """Let one more wait."""
        heappush(self._heads, (head.seq, head))

    def take(self, may: Callable[[Head], bool]) -> Head | None:
        """Remove and return the next one that `may` start; forget those before it that may not."""
        while self._heads:
            _, head = heappop(self._heads)
            head.scheduled = False
            if may(head):
                return head
        return None


class _Turns:
    """The commands of one band that are due: tenants take turns, and of a tenant (`at` 1) its senders."""

    __slots__ = ("_at", "_parts", "_ring")

    def __init__(self, at: int = 0) -> None:
        self._at = at
        self._parts: dict[str, _Turns | _Queue] = {}
        self._ring: deque[str] = deque()

    def __bool__(self) -> bool:
        return bool(self._ring)

    @property
    def due(self) -> float:
        """When the next one was due."""
        return self._parts[self._ring[0]].due

    def put(self, head: Head) -> None:
        """Let one more wait."""
        name = head.whose[self._at]
        part = self._parts.get(name)
        if part is None:
            part = self._parts[name] = _Queue() if self._at else _Turns(1)
            self._ring.append(name)
        part.put(head)

    def take(self, may: Callable[[Head], bool]) -> Head | None:
        """Remove and return the next one that `may` start; whose it is comes after the others then."""
        found: Head | None = None
        while self._ring and found is None:
            name = self._ring.popleft()
            part = self._parts[name]
            found = part.take(may)
            if part:
                self._ring.append(name)
            else:
                del self._parts[name]
        return found


class Lanes:
    """Commands on their way to one MAD.

    `take` gives one of the lowest band, now and then one of the band that has waited for longest: of those of one
    tenant and sender the one with the lowest number that is due, the first of its key and band, and of a key of which
    none is out. It is out until `again` or `done`.
    """

    def __init__(self) -> None:
        self._lanes: dict[Key, _Lane] = {}
        self._ready: tuple[_Turns, ...] = tuple(_Turns() for _ in Band)
        self._turns = 0
        self._later: list[tuple[float, int, Head]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, head: Head) -> None:
        """Let one more command wait."""
        self._count += 1
        if head.key is None:
            self._schedule(head)
            return
        lane = self._lanes.setdefault(head.key, _Lane())
        band = lane.bands.setdefault(head.band, [])
        heappush(band, (head.seq, head))
        if band[0][1] is head:  # it is the first, or came after one with a higher number, which now waits for it
            self._schedule(head)

    def take(self, now: float) -> Head | None:
        """Return the next command; None where none may start."""
        while self._later and self._later[0][0] <= now:
            _, _, head = heappop(self._later)
            self._ready[head.band].put(head)
        self._turns += 1
        waiting = [band for band in self._ready if band]
        if self._turns % EVERY == 0:
            waiting.sort(key=lambda band: band.due)
        return next((found for band in waiting if (found := band.take(self._may)) is not None), None)

    def _may(self, head: Head) -> bool:
        """Return whether a command that is due may start; where one of its key is out, it waits aside."""
        lane = self._lanes.get(head.key) if head.key is not None else None
        if lane is None:
            return True
        if lane.bands[head.band][0][1] is not head:
            return False  # overtaken by one with a lower number; it is scheduled again when it is the first
        if lane.held:
            lane.aside.append(head)
            return False
        lane.held = True
        return True

    def soonest(self) -> float | None:
        """Return when the next of those that are not due yet will be; None where there is none."""
        return self._later[0][0] if self._later else None

    def again(self, head: Head, due: float) -> None:
        """Put back what was out; it is due at `due`, and those of its key and band wait for it."""
        head.due = due
        self._release(head)
        self._schedule(head)

    def done(self, head: Head) -> None:
        """Forget what was out."""
        self._count -= 1
        lane = self._release(head)
        if lane is None or head.key is None:
            return
        band = lane.bands[head.band]
        if band[0][1] is head:
            heappop(band)
        else:  # one with a lower number came while it was out
            band.remove((head.seq, head))
            heapify(band)
        if band:
            self._schedule(band[0][1])
        else:
            del lane.bands[head.band]
        if not lane.bands:
            del self._lanes[head.key]

    def _release(self, head: Head) -> _Lane | None:
        lane = self._lanes.get(head.key) if head.key is not None else None
        if lane is not None:
            lane.held = False
            for other in lane.aside:
                self._schedule(other)
            lane.aside = []
        return lane

    def _schedule(self, head: Head) -> None:
        if not head.scheduled:
            head.scheduled = True
            heappush(self._later, (min(head.due, head.expires), head.seq, head))
