"""What the provider bills, by its own count and prices, and why it was asked no further."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mads.testing.provider import Provider, Say

PRICES = {"big": (5, 20), "small": (1, 4)}
"""Dollars for a million tokens that go in and that come out, so that a token costs as many millionths."""

LIE = (1, 1)
"""Tokens in and out that the provider claims once, whatever they were."""

OK = 200
MANY = 400
SHARE = 0.2
"""Of so many requests such a share fails."""

SLOW = 0.05
"""Seconds that an answer takes: many are on their way at any moment."""

_REASON = re.compile(r"may not be paid for: (.+?): [\d.,]+ \w+ are left")


def says(seed: int, lie_at: int) -> Sequence[Say]:
    """Return what the provider does with the first requests: it fails in every way, and lies once about usage."""
    chance = random.Random(seed)
    faults = [
        Say(delay=SLOW, status=500, retry_after=0.02),
        Say(delay=SLOW, status=429, retry_after=0.02),
        Say(delay=SLOW, cut=2),
        Say(delay=SLOW, raw="{"),
        Say(delay=10 * SLOW),
    ]
    said = [chance.choice(faults) if chance.random() < SHARE else Say(delay=SLOW) for _ in range(MANY)]
    said[lie_at] = Say(delay=SLOW, usage=LIE)
    return [*said, Say(delay=SLOW)]


def billed(it: Provider) -> int:
    """Return what the provider bills, in millionths of a dollar."""
    return sum(_price(seen.body, seen.billed) for seen in it.seen() if seen.status == OK)


def reasons(told: Iterable[str]) -> Counter[str]:
    """Return how often each cap let a model not be asked, by what was `told`."""
    return Counter(reason for said in told for reason in _REASON.findall(said))


def unexplained(told: Iterable[str]) -> Sequence[str]:
    """Return what was refused without a cap that says why."""
    return [said for said in told if said.startswith("Limited") and "budget" in said and not _REASON.search(said)]


def _price(body: dict[str, Any], tokens: tuple[int, int]) -> int:
    came, went = PRICES[body["model"]]
    return tokens[0] * came + tokens[1] * went
