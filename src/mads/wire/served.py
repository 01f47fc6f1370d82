"""What the layers round a call are told of the thing that serves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from mads.wire.call import Layer
from mads.wire.record import Kind


class Served(Struct, frozen=True):
    """A tool, an event's handler or a timer of one MAD: `name` is the method a reader would look for.

    What it answers is `untrusted` where that comes from outside; nobody may call it where `withheld` says why. `asked`
    and `answered` are the types of its arguments and of its result, None where there are none.
    """

    mad: str
    name: str
    kind: Kind = "call"
    destructive: bool = False
    read_only: bool = False
    untrusted: bool = False
    streams: bool = False
    withheld: str = ""
    asked: Any = None
    answered: Any = None


LayerFor = Callable[[Served], Layer]
"""A layer, before it knows what it stands round."""
