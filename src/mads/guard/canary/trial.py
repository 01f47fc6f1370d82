"""What was seen of two versions, and what follows from it: as shares of calls, which can be compared at any time.

A call is slow, or dear, that takes more than so many times the median of the first calls to that tool of the first
version, which is settled once there are enough of them: from then on the same line is drawn for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct, field

from mads.guard.canary.bounds import bounds
from mads.wire.canary import Compared, Judged, Measured, Seen

FIRST = 20
"""Of how many calls the median is taken."""

NOTICED = 0.01
"""By how many seconds at least a call takes longer that is slow: less is the way to the second version, and noise."""

MEASURES = 4
"""How many shares are compared: a risk is divided among them, and by two, for the bounds of both versions."""


class Rule(Struct, frozen=True, kw_only=True):
    """How two versions are divided and compared: see `mads.host.canaries`."""

    share: float = 0.1
    shadow: float = 0.2
    least: int = 10
    risk: float = 0.05
    errors: float = 0.05
    slower: float = 1.5
    slow: float = 0.1
    dearer: float = 1.5
    dear: float = 0.1
    differ: float = 0.05


class Count(Struct):
    """`hits` of `of` calls."""

    hits: int = 0
    of: int = 0

    def add(self, *, hit: bool) -> None:
        """Count one call."""
        self.of += 1
        self.hits += hit

    def seen(self, risk: float) -> Seen:
        """Return it with its bounds."""
        return Seen(self.hits, self.of, *bounds(self.hits, self.of, risk))


class Version(Struct):
    """What was seen of one version."""

    errors: Count = field(default_factory=Count)
    slow: Count = field(default_factory=Count)
    dear: Count = field(default_factory=Count)


class Usual(Struct):
    """What the first calls to a tool of the first version took, in seconds, and cost, in millionths.

    The medians of both are there once there were enough of them.
    """

    took: list[float] = field(default_factory=list[float])
    cost: list[float] = field(default_factory=list[float])
    medians: tuple[float, float] | None = None

    def add(self, took: float, cost: float) -> None:
        """Count one call."""
        self.took.append(took)
        self.cost.append(cost)
        if len(self.took) >= FIRST:
            self.medians = median(self.took), median(self.cost)


class Trial(Struct):
    """What was seen of two versions since it began."""

    old: Version = field(default_factory=Version)
    new: Version = field(default_factory=Version)
    different: Count = field(default_factory=Count)
    usual: dict[str, Usual] = field(default_factory=dict[str, Usual])

    def saw(self, rule: Rule, tool: str, *, new: bool, failed: bool, took: float, cost: float) -> None:
        """Count a call that one of them answered in `took` seconds for `cost`."""
        version, usual = self.new if new else self.old, self.usual.get(tool)
        if usual is None:
            usual = self.usual[tool] = Usual()
        version.errors.add(hit=failed)
        if usual.medians is not None:
            long, much = usual.medians
            version.slow.add(hit=took > max(rule.slower * long, long + NOTICED))
            version.dear.add(hit=cost > rule.dearer * much)
        elif not new:
            usual.add(took, cost)

    def compared(self, rule: Rule) -> tuple[Compared, ...]:
        """Return how they compare; answers only where some were compared."""
        risk = rule.risk / MEASURES / 2
        found = [
            _judged("errors", self.old.errors.seen(risk), self.new.errors.seen(risk), rule.errors),
            _judged("slow", self.old.slow.seen(risk), self.new.slow.seen(risk), rule.slow),
            _judged("dear", self.old.dear.seen(risk), self.new.dear.seen(risk), rule.dear),
        ]
        if self.different.of:
            found.append(_judged("different", None, self.different.seen(risk), rule.differ))
        return tuple(found)


def verdict(compared: Sequence[Compared], least: int) -> tuple[Judged, str]:
    """Return what follows once `least` calls say it, and why: worse where one measure is, no worse where none is."""
    worse = [it for it in compared if it.judged == "worse" and it.new.of >= least]
    if worse:
        return "worse", "; ".join(map(told, worse))
    if all(it.judged == "no worse" and it.new.of >= least for it in compared):
        return "no worse", "; ".join(map(told, compared))
    return "open", ""


def told(it: Compared) -> str:
    """Return a comparison in its numbers."""
    than = "" if it.old is None else f" against {_share(it.old)}"
    return f"{it.what}: {_share(it.new)}{than}, where {it.most:.1%} more may be"


def _share(seen: Seen) -> str:
    share = seen.hits / seen.of if seen.of else 0.0
    return f"{share:.1%} of {seen.of} calls ({seen.low:.1%} to {seen.high:.1%})"


def _judged(what: Measured, old: Seen | None, new: Seen, most: float) -> Compared:
    high, low = (old.high, old.low) if old else (0.0, 0.0)
    judged: Judged = "worse" if new.low > high + most else "no worse" if new.high <= low + most else "open"
    return Compared(what, old, new, most, judged)
