"""What `mads.toml` says of what is written down: the log, where traces go, and for how long the record is kept."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mads.host.quantity import Lasting, Span
from mads.observe.logs import Level

ADDRESS = r"^https?://[^/?#@\s]+(/[^?#\s]*)?$"


class Traces(Struct, frozen=True, forbid_unknown_fields=True):
    """Where traces are exported to, and which: those that failed, are `slow` or `costly`, and `one_in` so many.

    `otlp` is the address of a collector that takes OTLP over HTTP. `slow` is how long one call takes, `costly` what all
    calls of a trace cost, in units of money; 0 for `one_in` is none. `service` is how the system calls itself: the name
    of its folder, unless it says otherwise.
    """

    otlp: Annotated[str, Meta(pattern=ADDRESS)]
    slow: Span = 1.0
    costly: Annotated[float, Meta(gt=0)] = 0.1
    one_in: Annotated[int, Meta(ge=0)] = 100
    service: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """From which `level` on lines are in the log."""

    level: Level = "info"


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """For how long what is on record is kept.

    `bodies` are what calls and events carried, `prose` is what was said, `envelopes` are the rows themselves: those of
    one conversation go together, so long after its last turn. `audit` is what was decided.
    """

    bodies: Lasting = "7d"
    prose: Lasting = "30d"
    envelopes: Lasting = "30d"
    audit: Lasting = "400d"
