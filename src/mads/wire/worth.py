"""What the answer to a call is worth to whoever asks: dollars where people say it, millionths of one on the wire."""

from __future__ import annotations

from mads.wire.errors import InvalidMessage

MOST = 1e9
"""Dollars that no answer is worth."""


def millionths(worth: float | None) -> int | None:
    """Return so many dollars in millionths; raise `InvalidMessage` where that is none that an answer may be worth."""
    if worth is None:
        return None
    if not 0 < worth < MOST:
        raise InvalidMessage(f"an answer is worth {worth!r}; write how many dollars, as in 0.05")
    return round(worth * 1_000_000)


def least(one: int | None, other: int | None) -> int | None:
    """Return the smaller of two: what is asked for on the way to an answer is worth no more than that."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
