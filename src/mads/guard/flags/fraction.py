"""Who falls into which part: the same key always into the same, by the hash and the arithmetic that flagd uses.

The hash is MurmurHash3 (x86, 32 bits, seed 0) of the key in canonical CBOR, scaled to the sum of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

MOST = 2**31 - 1
"""The largest sum of weights."""

_MASK = 0xFFFFFFFF


def share(key: Any, weights: Sequence[int]) -> int | None:
    """Return into which of `weights` the `key` falls, None where none has any; raise `ValueError` for no fit key."""
    total = sum(max(0, weight) for weight in weights)
    if not 0 < total <= MOST:
        return None
    bucket, end = hashed(packed(key)) * total >> 32, 0
    for number, weight in enumerate(weights):
        end += max(0, weight)
        if bucket < end:
            return number
    return None


def packed(value: Any) -> bytes:
    """Return a text, a number, a truth value, nothing, or a list of such in canonical CBOR (RFC 8949)."""
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int() if -(2**63) <= value < 2**64:
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case float() if value.is_integer() and -(2.0**63) <= value < 2.0**64:
            return packed(int(value))
        case str():
            data = value.encode()
            return _head(3, len(data)) + data
        case list() | tuple():
            items = cast("Sequence[Any]", value)
            return _head(4, len(items)) + b"".join(packed(item) for item in items)
        case _:
            raise ValueError(f"nothing is divided by {value!r:.100}; take a text or a whole number")


def hashed(data: bytes) -> int:
    """Return the hash of `data`, in 32 bits."""
    whole = len(data) & ~3
    state = 0
    for at in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(data[at : at + 4], "little"))
        state = (_turned(state, 13) * 5 + 0xE6546B64) & _MASK
    if whole < len(data):
        state ^= _mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    state = ((state ^ state >> 16) * 0x85EBCA6B) & _MASK
    state = ((state ^ state >> 13) * 0xC2B2AE35) & _MASK
    return state ^ state >> 16


def _head(major: int, number: int) -> bytes:
    if number < 24:  # noqa: PLR2004  what fits into the head itself
        return bytes([major << 5 | number])
    length = next(length for length in range(4) if number < 1 << (8 << length))
    return bytes([major << 5 | 24 + length]) + number.to_bytes(1 << length, "big")


def _mixed(word: int) -> int:
    return _turned(word * 0xCC9E2D51 & _MASK, 15) * 0x1B873593 & _MASK


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _MASK
