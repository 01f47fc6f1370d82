"""What time it is for what cannot be undone: a clock that has stepped ahead counts only once that has lasted."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

STEP = 3600.0
"""By how many seconds a clock may have gone ahead since it was looked at, and be believed at once."""

LASTING = 3600.0
"""For how many seconds it stays ahead by more before it is believed: for so long somebody may set it right."""


class Calendar:
    """Looks at the `wall` clock (seconds since 1970) beside a `steady` one; `last` is what was believed last.

    For `lasted` seconds the clock was ahead of that already, in runs before this one.
    """

    def __init__(
        self,
        last: float,
        lasted: float = 0.0,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._steady = wall, steady
        began = steady()
        self._since: float | None = began - lasted if lasted else None
        self._offset = last - began

    @property
    def lasted(self) -> float:
        """For how many seconds the clock has been ahead of what is believed: 0 where it is not."""
        return 0.0 if self._since is None else self._steady() - self._since

    def now(self) -> float:
        """Return the time, in seconds since 1970: never later than the wall clock says."""
        steady = self._steady()
        offset = self._wall() - steady
        ahead = offset - self._offset
        if ahead <= STEP:
            self._offset, self._since = offset, None
        elif self._since is None:
            self._since = steady
            structlog.get_logger().warning(
                "the clock is ahead of what is believed", by_s=round(ahead), believed_in_s=LASTING
            )
        elif steady - self._since >= LASTING:
            self._offset, self._since = offset, None
        return self._offset + steady
