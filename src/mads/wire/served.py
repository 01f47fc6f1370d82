"""What the layers round a call are told of the thing that serves it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from mads.wire.call import Layer


class Served(Struct, frozen=True):
    """A tool, an event's handler or a timer of one MAD: `name` is the method a reader would look for."""

    mad: str
    name: str
    destructive: bool = False


LayerFor = Callable[[Served], Layer]
"""A layer, before it knows what it stands round."""
