"""Between which bounds a share lies of which some cases were seen: at any time, however often one looks.

The bounds are a confidence sequence. The likelihood of all that was seen, mixed over every share by Jeffreys' prior and
divided by that under the true share, is a martingale that begins at one; by Ville's inequality it ever comes to
1 / `risk` in no more than `risk` of all runs. So a share under which it has come there may be left out for good.
"""

from __future__ import annotations

from collections.abc import Callable
from math import lgamma, log

STEPS = 40
"""How often an interval is halved: to less than a millionth of a millionth."""


def bounds(hits: int, of: int, risk: float) -> tuple[float, float]:
    """Return between what the share lies that had `hits` among `of`: right at all times at once, but for `risk`."""
    if not of:
        return 0.0, 1.0
    missed = of - hits
    most = _log_beta(hits + 0.5, missed + 0.5) - _log_beta(0.5, 0.5) + log(risk)

    def is_out(share: float) -> bool:
        return hits * log(share) + missed * log(1 - share) <= most

    low = 0.0 if not hits else _edge(0.0, hits / of, is_out)
    high = 1.0 if not missed else _edge(1.0, hits / of, is_out)
    return low, high


def _edge(out: float, inside: float, is_out: Callable[[float], bool]) -> float:
    """Return the last share that is out, on the way from one that is to one that is not."""
    for _ in range(STEPS):
        middle = (out + inside) / 2
        if is_out(middle):
            out = middle
        else:
            inside = middle
    return out


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
