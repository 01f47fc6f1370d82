"""Which command is next: those of one key one after another, in the order of their numbers; a late one waits aside."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from msgspec import Struct

Key = tuple[str, str, str]
"""Tenant, sender and key."""


class Head(Struct, eq=False, gc=False):
    """What must be known of a command to say when its turn is; `due` and `expires` in seconds of one monotonic clock.

    `attempt` is the last that was begun, `why` says how it failed, `failures` how often in this process, `mad` is where
    it goes. A command without a `key` waits for no other.
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


class _Lane:
    """The commands of one key: a heap for each band, whose first has its place in the schedule or is `aside`."""

    __slots__ = ("aside", "bands", "held")

    def __init__(self) -> None:
        self.bands: dict[int, list[tuple[int, Head]]] = {}
        self.aside: list[Head] = []
        self.held = False


class Lanes:
    """Commands on their way to one MAD.

    `take` gives the one of the lowest band, of these the one with the lowest number, that is due, the first of its key
    and band, and of a key of which none is out. It is out until `again` or `done`.
    """

    def __init__(self) -> None:
        self._lanes: dict[Key, _Lane] = {}
        self._ready: list[tuple[int, int, Head]] = []
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
            heappush(self._ready, (head.band, head.seq, head))
        while self._ready:
            _, _, head = heappop(self._ready)
            head.scheduled = False
            lane = self._lanes.get(head.key) if head.key is not None else None
            if lane is None:
                return head
            if lane.bands[head.band][0][1] is not head:
                continue  # overtaken by one with a lower number; it is scheduled again when it is the first
            if not lane.held:
                lane.held = True
                return head
            lane.aside.append(head)
        return None

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
