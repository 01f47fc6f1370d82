"""What is spent: money, tokens and calls, in whole numbers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mads.wire.model import Usage

Whole = Annotated[int, Meta(ge=0, le=10**15)]


class Amount(Struct, frozen=True, forbid_unknown_fields=True):
    """So much money, in millionths of a dollar, so many tokens of each kind, and so many requests that left."""

    micro_usd: Whole = 0
    usage: Usage = Usage()
    calls: Whole = 1
