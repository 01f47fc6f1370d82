"""What an answer is worth: an attempt that may cost more than what is left of that is not made."""

from __future__ import annotations

from collections import OrderedDict

from mads.duos.fiedler.port import Trouble

TRACES = 1024
"""Of how many traces it is remembered what was spent."""
MICRO = 1_000_000


class Worths:
    """What was spent in each trace whose calls say what an answer is worth, in millionths of a dollar."""

    def __init__(self) -> None:
        self._spent: OrderedDict[str, int] = OrderedDict()

    def of(self, trace: str, worth: int | None) -> Worth:
        """Return what weighs the attempts of one call; without a `worth` they are not weighed."""
        return Worth(self, trace, worth)

    def spent(self, trace: str) -> int:
        """Return what is spent, or held for attempts that are being made."""
        return self._spent.get(trace, 0)

    def add(self, trace: str, cost: int) -> None:
        """Spend so much, or give it back."""
        self._spent[trace] = self._spent.pop(trace, 0) + cost
        while len(self._spent) > TRACES:
            self._spent.popitem(last=False)


class Worth:
    """Weighs the attempts of one call, whose answer is `worth` so much, with all that its trace has cost so far."""

    def __init__(self, worths: Worths, trace: str, worth: int | None) -> None:
        self._worths, self._trace, self._worth = worths, trace, worth

    def hold(self, most: int) -> None:
        """Hold so much for an attempt; raise `Trouble` where less is left."""
        if self._worth is None:
            return
        left = self._worth - self._worths.spent(self._trace)
        if most > left:
            raise Trouble("worth", f"it may cost {_usd(most)}, and {_usd(max(0, left))} of what it is worth are left")
        self._worths.add(self._trace, most)

    def settle(self, most: int, cost: int) -> None:
        """Give back what an attempt did not cost."""
        if self._worth is not None:
            self._worths.add(self._trace, cost - most)


def _usd(micro: int) -> str:
    return f"{micro / MICRO:f} USD"
