"""One canary while the system runs: to whom its second version answers, and what was seen of both."""

from __future__ import annotations

from collections.abc import Collection

from mads.guard.canary.trial import Rule, Trial
from mads.guard.flags.fraction import share
from mads.wire.call import Call
from mads.wire.canary import State

PARTS = 10_000
"""In how many parts conversations are divided."""


KNOWN = 10_000
"""Of how many conversations it is remembered who answers them; of others it is worked out anew."""


class Split:
    """The conversations of `mad`, divided between it and `use`; whoever is answered by one of them stays with it.

    Of `tools` only, and as `state` says. What is outside of conversations is divided by what caused it: its trace.
    `changed` says whether more was seen than was looked at.
    """

    def __init__(self, mad: str, use: str, tools: Collection[str], rule: Rule) -> None:
        self.mad, self.use, self.tools, self.rule = mad, use, frozenset(tools), rule
        self.trial, self.changed = Trial(), False
        self._state: State = "running"
        self._known: dict[str, bool] = {}
        self._part, self._shadow = round(rule.share * PARTS), round(rule.shadow * PARTS)

    @property
    def state(self) -> State:
        """What is made of it."""
        return self._state

    def become(self, state: State, trial: Trial) -> None:
        """Divide and measure as `state` says from now on, beside what was seen in `trial`."""
        self._state, self.trial = state, trial
        self.is_idle = state in ("stopped", "rolled back")

    is_idle = False
    """Whether all is answered by the first version."""

    @property
    def told(self) -> str:
        """Return for whom the second version answers, and why."""
        return "it is promoted" if self._state == "promoted" else f"{self.rule.share:.1%} of conversations are its"

    def takes(self, call: Call) -> bool:
        """Return whether the second version answers `call`."""
        if self._state == "promoted":
            return True
        key = call.conversation or call.trace
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            found = self._known[key] = _falls(f"{self.mad}:{key}", self._part)
        return found

    def shadows(self, call: Call) -> bool:
        """Return whether the second version is asked too what the first one answers."""
        return self._state == "running" and self._shadow > 0 and _falls(f"{self.mad}:{call.id}", self._shadow)

    def saw(self, tool: str, *, new: bool, failed: bool, took: float, cost: float) -> None:
        """Count a call, where it is measured."""
        if self._state == "running":
            self.trial.saw(self.rule, tool, new=new, failed=failed, took=took, cost=cost)
            self.changed = True

    def answered(self, *, differently: bool) -> None:
        """Count what both were asked."""
        if self._state == "running":
            self.trial.different.add(hit=differently)
            self.changed = True


def _falls(key: str, part: int) -> bool:
    return share(key, (part, PARTS - part)) == 0
