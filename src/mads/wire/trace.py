"""What was done on behalf of one request, as a tree that was flattened: each hop stands below the one that made it."""

from __future__ import annotations

from msgspec import Struct

from mads.wire.record import Decision


class Hop(Struct, frozen=True, kw_only=True):
    """One entry of the record in its tree, at a `depth` from 0; the one that made it is the last above with less depth.

    `at` is in ISO 8601, UTC, `after_us` that many microseconds after the first hop began; all else is as in `Entry`.
    """

    depth: int
    kind: str
    call: str
    mad: str
    version: str
    place: str
    at: str
    after_us: int
    waited_us: int
    took_us: int
    outcome: str
    why: str
    cost: int
    decisions: tuple[Decision, ...]
    id: str
    trace: str
    span: str
    parent: str
    cause: str | None
    conversation: str | None
    principal: str
    tenant: str
    attempt: int
    key: str | None
    notes: str | None
    taint: tuple[str, ...] = ()


class Tree(Struct, frozen=True, kw_only=True):
    """Every hop of what was asked for, top down; `took_us` from the first beginning to the last end, `cost` of all.

    `left_out` says what is not in it, and why; it is empty where all is.
    """

    took_us: int
    cost: int
    failed: int
    hops: tuple[Hop, ...]
    left_out: str = ""


class TraceLine(Struct, frozen=True, kw_only=True):
    """One trace in a list: the first call of it, how many there were and how many failed."""

    trace: str
    at: str
    call: str
    principal: str
    took_us: int
    calls: int
    failed: int
    cost: int
    conversation: str | None
