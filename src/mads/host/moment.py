"""A moment as one writes it: "2026-11-22", "2026-11-22T16:30", or as long ago as "7d" says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mads.host.quantity import SPAN, seconds
from mads.wire.errors import InvalidMessage


def moment(said: str, now: datetime) -> datetime:
    """Return the moment that is written as a date, a date and time (UTC unless it says), or a span before now."""
    try:
        if re.fullmatch(SPAN, said):
            return now - timedelta(seconds=seconds(said))
        at = datetime.fromisoformat(said)
    except (ValueError, OverflowError):
        raise InvalidMessage(
            f'{said!r} is no moment; write a date "2026-11-22", a date and time "2026-11-22T16:30", or a span "7d"'
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
