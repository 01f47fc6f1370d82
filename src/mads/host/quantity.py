"""Amounts as `mads.toml` writes them: `"90 s"`, `"512 MB"`, `"5/min"`, `"1000/day"`, or a plain number."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, cast

from msgspec import Meta

from mads.guard.budget.cap import FRACTIONS
from mads.guard.limits.gcra import SECOND, Pace
from mads.guard.window import Period
from mads.wire.ledger import Unit

NEVER = "never"

_SPANS = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

_MANY = {"": 1, "k": 1000, "M": 10**6}

SPAN = rf"^\d+(\.\d+)? ?({'|'.join(_SPANS)})$"
LASTING = rf"^(never|\d+(\.\d+)? ?({'|'.join(_SPANS)}))$"
SIZE = rf"^\d+(\.\d+)? ?({'|'.join(_SIZES)})$"
RATE = rf"^[1-9]\d{{0,8}} ?/ ?(\d+(\.\d+)? ?)?({'|'.join(_SPANS)})$"
QUOTA = r"^[1-9]\d{0,11} ?/ ?(day|month)$"
BUDGET = r"^[0-9]{1,9}(\.[0-9]{1,6})? ?[kM]? ?(USD|tokens|calls|s)( ?/ ?(hour|day|month))?$"

Span = Annotated[float, Meta(gt=0)] | Annotated[str, Meta(pattern=SPAN)]
"""A number of seconds, or one with its unit."""

Share = Annotated[float, Meta(gt=0, le=1)]
"""A part of a whole, as in 0.5."""

Lasting = Annotated[float, Meta(gt=0)] | Annotated[str, Meta(pattern=LASTING)]
"""As `Span`, or "never": it never comes to an end."""

Size = Annotated[int, Meta(gt=0)] | Annotated[str, Meta(pattern=SIZE)]
"""A number of bytes, or one with its unit."""

_A_SPAN = 'write a number of seconds above 0, or one with a unit, as in "90 s", "15 min", "12 h"'
_A_SIZE = 'write a number of bytes above 0, or one with a unit, as in "512 MB"'

WRITE = {
    LASTING: 'write a span of time such as "7d", "36 h" or "90 s", or "never"',
    SPAN: _A_SPAN,
    "> 0.0": _A_SPAN,
    "float | str": _A_SPAN,
    SIZE: _A_SIZE,
    "int | str": _A_SIZE,
    RATE: 'write how many in which time, as in "5/min", "100/s" or "3/10 s"',
    BUDGET: 'write how much may be spent, and in which time, as in "2 USD/day", "50k tokens/hour" or "100 calls"',
    QUOTA: 'write how many a day or a month, as in "1000/day" or "20000/month"',
}
"""What to write instead of what does not fit, by what says that it does not."""


def seconds(span: float | str) -> float:
    """Return `span` in seconds."""
    return _measured(span, _SPANS)


def lasting(span: float | str) -> float | None:
    """Return `span` in seconds; None where it never ends."""
    return None if span == NEVER else seconds(span)


def size(amount: float | str) -> int:
    """Return `amount` in bytes."""
    return round(_measured(amount, _SIZES))


def pace(rate: str, burst: int | None) -> Pace:
    """Return the pace of `rate`: at most `burst` at a time, or as many as it says for the whole time."""
    calls, within = (part.strip() for part in rate.split("/"))
    span = seconds(within if within[0].isdigit() else f"1 {within}")
    return Pace(max(1, -round(-span * SECOND // int(calls))), burst or int(calls), rate)


def quota(amount: str) -> tuple[int, Period]:
    """Return how many calls a quota is, and of what time."""
    calls, period = (part.strip() for part in amount.split("/"))
    return int(calls), cast("Period", period)


def budget(written: str) -> tuple[int, Unit, Period | None]:
    """Return how much a budget is, in what its unit counts (0 where that is no whole number), and of what time."""
    found = re.fullmatch(r"([\d.]+) ?([kM]?) ?(\w+)(?: ?/ ?(\w+))?", written)
    assert found is not None, "the configuration was checked"
    number, many, unit, period = found.groups()
    most = Decimal(number) * _MANY[many] * FRACTIONS[cast("Unit", unit)]
    return int(most) if most == int(most) else 0, cast("Unit", unit), cast("Period | None", period)


def _measured(written: float | str, units: dict[str, float] | dict[str, int]) -> float:
    if not isinstance(written, str):
        return float(written)
    found = re.fullmatch(r"([\d.]+) ?(\w+)", written)
    assert found is not None, "the configuration was checked"
    return float(found[1]) * units[found[2]]
