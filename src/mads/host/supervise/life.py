"""A life: one instance of a MAD from its start to its end, in this process or in a child; a MAD may have many."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

GOING = 0.8
"""Seconds that a child has to end after it was told to."""


class End(Struct, frozen=True):
    """How a life ended without being told to: why, and whether it was by itself and with status 0."""

    why: str
    clean: bool = False


class Life(Protocol):
    """One life of a MAD; it takes the MAD's seat when it starts."""

    @property
    def pid(self) -> int:
        """The process it is in; 0 while there is none."""
        ...

    async def start(self) -> None:
        """Return once it serves; raise, and leave nothing behind, where it cannot."""

    async def ended(self) -> End:
        """Wait until it is of no more use without having been told to stop, and return how that came."""
        ...

    def retire(self) -> None:
        """Begin nothing more by itself: another has taken its seat."""

    async def stop(self, going: float = GOING) -> None:
        """End it now, and whatever it started; where it is a process, that has `going` seconds to go by itself."""
