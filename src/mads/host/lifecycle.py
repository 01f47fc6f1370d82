"""What `mads.toml` says of MADs that end, or grow."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mads.host.quantity import Size, Span


class Recycle(Struct, frozen=True, forbid_unknown_fields=True):
    """When a MAD is replaced by a new one of its kind: after so many `calls`, at this `age`, above this `rss`."""

    calls: Annotated[int, Meta(ge=1)] | None = None
    age: Span | None = None
    rss: Size | None = None


class Supervision(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens when a MAD ends, in the words of OTP.

    More than `intensity` restarts of one MAD within `period` are too many; `escalate` says what comes then: that MAD is
    put in quarantine, or the whole system ends with exit code 1. Every `census` seconds the objects are counted.
    """

    strategy: Literal["one_for_one", "one_for_all", "rest_for_one"] = "one_for_one"
    intensity: Annotated[int, Meta(ge=0, le=1000)] = 5
    period: Span = 10.0
    escalate: Literal["quarantine", "exit"] = "quarantine"
    census: Span = 5.0
