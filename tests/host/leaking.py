"""A MAD that can leak, or be busy."""

from __future__ import annotations

from dataclasses import field

from mads import mad, tool


@mad
class Leaking:
    """You forget nothing."""

    kept: list[bytes] = field(default_factory=list[bytes])
    last: list[bytes] = field(default_factory=list[bytes])

    @tool
    async def leak(self, times: int) -> None:
        """Keep ever more."""
        self.kept += [b"x" * 100 for _ in range(times)]

    @tool
    async def work(self, times: int) -> None:
        """Keep what came last."""
        self.last = [b"x" * 100 for _ in range(times)]
