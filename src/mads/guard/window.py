"""The hours, days and months in which something is counted, in UTC, whatever the machine's own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

Period = Literal["hour", "day", "month"]


class Window(Struct, frozen=True):
    """One hour ("2026-11-22T14"), day ("2026-11-22") or month ("2026-11"): from when until before when, in seconds."""

    name: str
    begins: float
    ends: float


def window_at(period: Period, now: float) -> Window:
    """Return the window in which `now` lies."""
    hour = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
    if period == "hour":
        return Window(f"{hour:%Y-%m-%dT%H}", hour.timestamp(), (hour + timedelta(hours=1)).timestamp())
    day = hour.replace(hour=0)
    if period == "day":
        return Window(f"{day:%Y-%m-%d}", day.timestamp(), (day + timedelta(days=1)).timestamp())
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Window(f"{first:%Y-%m}", first.timestamp(), following.timestamp())
