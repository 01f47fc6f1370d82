"""The list of layers round every handler, in the process of the callee; outermost first."""

from __future__ import annotations

from collections.abc import Sequence

from mads.guard.access import access
from mads.observe.meter import Meter
from mads.observe.trace import trace
from mads.wire.served import LayerFor

LAYERS = ("meter", "trace", "access")
"""Their names: what is counted, what is current while the handler runs, who may."""


def layers_of(names: Sequence[str], meter: Meter) -> tuple[LayerFor, ...]:
    """Return the layers of `names`, in that order."""
    known: dict[str, LayerFor] = {"meter": meter.layer, "trace": trace, "access": access}
    return tuple(known[name] for name in names)
