"""What is known of a canary: a second version that answers for a part of the conversations, and how the two compare."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["running", "stopped", "promoted", "rolled back"]
"""Divided and measured; nothing goes to the second version; all of it does; all goes to the first again."""

Measured = Literal["errors", "slow", "dear", "different"]
"""What is compared: the share of calls that failed, took long, cost much, or were answered otherwise."""

Judged = Literal["open", "worse", "no worse"]


class Seen(Struct, frozen=True):
    """`hits` of `of` calls, and between which bounds the share lies that they are drawn from."""

    hits: int
    of: int
    low: float
    high: float


class Compared(Struct, frozen=True):
    """One measure of both versions: the second one's share may be larger by `most`.

    Of answers that differ there is no share of the first version: `old` is None.
    """

    what: Measured
    old: Seen | None
    new: Seen
    most: float
    judged: Judged


class CanaryInfo(Struct, frozen=True, kw_only=True):
    """The canary of `mad`: `use` answers for the `share` of its conversations where one of `tools` is called.

    `by` whom its state was changed, when (`at`, ISO 8601, UTC) and `why`. `left_out` are calls that say nothing: of a
    tool of which it is not known yet what is slow.
    """

    mad: str
    use: str
    tools: tuple[str, ...]
    share: float
    shadow: float
    state: State
    by: str
    at: str
    why: str
    compared: tuple[Compared, ...]
