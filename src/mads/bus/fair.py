"""Whose turn it is in one band: deficit round robin over tenants, and for each tenant over its conversations.

A part that is passed over gets credit, and what is handed out of it costs it as many seconds as that is expected to
take: of parts that always have something waiting each gets the same time, however many calls it sends and however long
they are. A part that has run empty keeps no credit. See Shreedhar and Varghese, "Efficient Fair Queueing Using Deficit
Round Robin", 1995.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator

from mads.bus.delivery import Delivery
from mads.wire.call import Call

Price = Callable[[Delivery], float | None]
"""Says how many seconds a call that may start is expected to take; None where it may not start."""

QUANTUM = 0.001
"""Seconds that a turn is worth."""
TRIFLE = 1e-9
"""Seconds that may be lacking: credit is a sum of fractions."""


class Line:
    """The calls of one conversation, in the order in which they came; `work` is what they cost together."""

    __slots__ = ("above", "credit", "name", "queue", "work")

    def __init__(self, name: str, above: Round) -> None:
        self.name, self.above = name, above
        self.queue: deque[Delivery] = deque()
        self.credit, self.work = QUANTUM, 0.0

    def __bool__(self) -> bool:
        return bool(self.queue)

    def next(self, price: Price) -> Delivery | None:
        """Return the first that may start; it costs what is known now, which may be more than when it came."""
        for delivery in self.queue:
            cost = price(delivery)
            if cost is not None:
                if cost != delivery.cost:
                    _add(self, cost - delivery.cost)
                    delivery.cost = cost
                return delivery
        return None

    def least(self) -> Delivery:
        """Return the one that can be spared: of the latest deadline, of equals the last."""
        return max(reversed(self.queue), key=lambda delivery: delivery.call.deadline)


class Round:
    """Parts that take turns."""

    __slots__ = ("above", "credit", "name", "parts", "ring", "work")

    def __init__(self, name: str, above: Round | None = None) -> None:
        self.name, self.above = name, above
        self.parts: dict[str, Line | Round] = {}
        self.ring: deque[Line | Round] = deque()
        self.credit, self.work = QUANTUM, 0.0

    def __bool__(self) -> bool:
        return bool(self.ring)

    def next(self, price: Price) -> Delivery | None:
        """Return whose turn it is, and leave its part in front; asked again it returns the same."""
        ring = self.ring
        if len(ring) == 1:
            return ring[0].next(price)
        lacking = math.inf
        for _ in range(len(ring)):
            part = ring[0]
            found = part.next(price)
            if found is not None:
                if part.credit >= found.cost - TRIFLE:
                    return found
                part.credit += QUANTUM
                lacking = min(lacking, found.cost - part.credit)
            ring.rotate(-1)
        return None if lacking == math.inf else self._later(price, math.ceil(max(lacking, 0.0) / QUANTUM))

    def _later(self, price: Price, turns: int) -> Delivery | None:
        """Return whose turn it is after so many turns in which nobody had credit enough."""
        waiting = [(part, found) for part in self.ring if (found := part.next(price)) is not None]
        for part, _ in waiting:
            part.credit += turns * QUANTUM
        for part, found in waiting:
            if part.credit >= found.cost - TRIFLE:
                while self.ring[0] is not part:
                    self.ring.rotate(-1)
                return found
        return None

    def least(self) -> Delivery:
        """Return the one that can be spared, of the part that has most waiting."""
        return max(self.ring, key=lambda part: part.work).least()

    def before(self, name: str, work: float) -> float:
        """Return how much of the parts is handed out until the part called `name` has had so much `work`."""
        return work + sum(min(part.work, work) for part in self.ring if part.name != name)


class Backlog:
    """All calls of one band that wait."""

    __slots__ = ("_lanes", "root", "waiting")

    def __init__(self) -> None:
        self.root = Round("")
        self.waiting = 0
        self._lanes: dict[tuple[str, str], list[Delivery]] = {}

    def __iter__(self) -> Iterator[Delivery]:
        for line in self._lines():
            yield from line.queue

    @property
    def oldest(self) -> float:
        """When the oldest of them began to wait."""
        return min(line.queue[0].since for line in self._lines())

    def put(self, delivery: Delivery) -> None:
        """Let `delivery` wait: in its conversation's line, but behind those of its key, whose order counts."""
        call = delivery.call
        line: Line | None = None
        if call.key is not None:
            lane = self._lanes.setdefault((call.identity.principal, call.key), [])
            line = lane[0].line if lane else None
            lane.append(delivery)
        delivery.line = line or self._line(call)
        delivery.line.queue.append(delivery)
        self.waiting += 1
        _add(delivery.line, delivery.cost)

    def before(self, call: Call, cost: float) -> float:
        """Return for how many seconds others are handled first, one at a time, where `call` came now."""
        tenant = self.root.parts.get(call.identity.tenant)
        own = cost
        if isinstance(tenant, Round):
            line = tenant.parts.get(_name(call))
            own = tenant.before(_name(call), cost + (line.work if line else 0.0))
        return self.root.before(call.identity.tenant, own) - cost

    def take(self, delivery: Delivery) -> None:
        """Hand out `delivery`, which `root.next` has returned."""
        self._leave(delivery, paid=True)

    def remove(self, delivery: Delivery) -> None:
        """Forget `delivery`, which waits here."""
        self._leave(delivery, paid=False)

    def _leave(self, delivery: Delivery, *, paid: bool) -> None:
        call, line = delivery.call, delivery.line
        assert line is not None
        if line.queue[0] is delivery:
            line.queue.popleft()
        else:
            line.queue.remove(delivery)
        if call.key is not None:
            lane = self._lanes[call.identity.principal, call.key]
            lane.remove(delivery)
            if not lane:
                del self._lanes[call.identity.principal, call.key]
        delivery.line = None
        self.waiting -= 1
        part: Line | Round = line
        while part.above is not None:
            above = part.above
            part.work -= delivery.cost
            if not part:
                above.ring.remove(part)
                del above.parts[part.name]
            elif paid and len(above.ring) > 1:
                part.credit -= delivery.cost
            part = above
        part.work = part.work - delivery.cost if part else 0.0

    def _line(self, call: Call) -> Line:
        tenant = self.root.parts.get(call.identity.tenant)
        if tenant is None:
            tenant = self.root.parts[call.identity.tenant] = Round(call.identity.tenant, self.root)
            self.root.ring.append(tenant)
        assert isinstance(tenant, Round)
        line = tenant.parts.get(_name(call))
        if line is None:
            line = tenant.parts[_name(call)] = Line(_name(call), tenant)
            tenant.ring.append(line)
        assert isinstance(line, Line)
        return line

    def _lines(self) -> Iterator[Line]:
        for tenant in self.root.ring:
            assert isinstance(tenant, Round)
            for line in tenant.ring:
                assert isinstance(line, Line)
                yield line


def _name(call: Call) -> str:
    """Return the name of the line in which `call` waits: its conversation, or who stands at its start."""
    return call.conversation or call.identity.principal


def _add(line: Line, work: float) -> None:
    """Have so many seconds more wait in `line`, and in all that it is a part of."""
    part: Line | Round = line
    part.work += work
    while part.above is not None:
        part = part.above
        part.work += work
