"""Decide at the end of a trace whether it is worth showing: it failed, was slow, was costly, or is one in so many.

What is known of a trace lies here until its root has ended and `GRACE` has passed; what comes later follows the
decision that was made, unless it is worth showing by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from msgspec import Struct, field

from mads.wire.context import NONE, Context
from mads.wire.record import Entry

GRACE = 1.0
"""Seconds after the end of a root in which more of its trace may come."""

LONGEST = 120.0
"""Seconds after which a trace is decided upon whose root has not ended."""

OPEN = 20_000
"""How many entries may lie here; for one more the oldest trace is decided upon."""

LARGE = 1000
"""How many entries of one trace may."""

DECIDED = 10_000
"""Of how many traces the decision is remembered."""

_FINE = frozenset({"ok", "unheard", "cancelled", "parked"})


class Rules(Struct, frozen=True):
    """What is worth showing: spans of so many microseconds, traces of such a cost (in millionths), one in so many."""

    slow_us: int
    costly: int
    one_in: int


class Seen(Struct, frozen=True):
    """An entry, and what its client said of its trace."""

    entry: Entry
    context: Context = NONE


class _Trace(Struct):
    since: float
    due: float = inf
    seen: list[Seen] = field(default_factory=list[Seen])


class Tail:
    """The traces that are not decided upon yet; touched by one thread, times in seconds of any one clock."""

    def __init__(self, rules: Rules) -> None:
        self.kept = self.dropped = 0
        self._rules = rules
        self._open: dict[str, _Trace] = {}
        self._decided: dict[str, bool] = {}
        self._count = 0

    def add(self, batch: Sequence[Seen], now: float) -> Iterator[list[Seen]]:
        """Take what has ended; iterate over the traces that are worth showing and must wait no longer."""
        for seen in batch:
            name = seen.entry.trace
            trace = self._open.get(name)
            if trace is None:
                trace = self._open[name] = _Trace(now, now + GRACE if name in self._decided else inf)
            trace.seen.append(seen)
            self._count += 1
            if seen.entry.cause is None:
                trace.due = now + GRACE
            if len(trace.seen) >= LARGE:
                yield from self._decide(name)
        while self._count > OPEN:
            yield from self._decide(next(iter(self._open)))

    def ripe(self, now: float) -> Iterator[list[Seen]]:
        """Iterate over the traces that have ended and are worth showing; at `inf` all are taken to have ended."""
        for name in [name for name, it in self._open.items() if it.due <= now or it.since + LONGEST <= now]:
            yield from self._decide(name)

    def _decide(self, name: str) -> Iterator[list[Seen]]:
        trace = self._open.pop(name)
        self._count -= len(trace.seen)
        keep = self._decided.pop(name, False) or self._is_worth(name, trace.seen)
        self._decided[name] = keep
        if len(self._decided) > DECIDED:
            del self._decided[next(iter(self._decided))]
        if keep:
            self.kept += 1
            yield trace.seen
        else:
            self.dropped += 1

    def _is_worth(self, name: str, seen: Sequence[Seen]) -> bool:
        rules = self._rules
        if any(it.entry.outcome not in _FINE or it.entry.took_us >= rules.slow_us for it in seen):
            return True
        if sum(it.entry.cost for it in seen) >= rules.costly:
            return True
        said = [it.context.sampled for it in seen if it.context.sampled is not None]
        if said:
            return said[0]
        return rules.one_in > 0 and int(name[-8:] or "0", 16) % rules.one_in == 0
