"""What a unit test of a MAD needs: a double for every need of the runtime."""

from mads.testing.booking import booking
from mads.testing.doubles import (
    emitting,
    granting,
    inline,
    noting,
    rolling,
    saying,
    sending,
    stepping,
    ticking,
    turning,
)
from mads.testing.flagging import flagging
from mads.testing.kept import kept
from mads.testing.reaching import reaching
from mads.testing.talking import talking

__all__ = [
    "booking",
    "emitting",
    "flagging",
    "granting",
    "inline",
    "kept",
    "noting",
    "reaching",
    "rolling",
    "saying",
    "sending",
    "stepping",
    "talking",
    "ticking",
    "turning",
]
