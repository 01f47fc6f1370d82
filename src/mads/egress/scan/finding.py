"""One thing that was found in what leaves: what it is and where, never what it says."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Family = Literal["secrets", "personal"]


class Finding(Struct, frozen=True, order=True):
    """A `kind` of thing in the bytes from `start` to `end`."""

    start: int
    end: int
    kind: str
    family: Family
