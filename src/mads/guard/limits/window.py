"""The days and months of a quota, in UTC, whatever the machine's own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

Period = Literal["day", "month"]


class Window(Struct, frozen=True):
    """One day ("2026-11-22") or month ("2026-11"): from when until before when, in seconds since 1970."""

    name: str
    begins: float
    ends: float


def window_at(period: Period, now: float) -> Window:
    """Return the window in which `now` lies."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return Window(f"{day:%Y-%m-%d}", day.timestamp(), (day + timedelta(days=1)).timestamp())
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Window(f"{first:%Y-%m}", first.timestamp(), following.timestamp())
