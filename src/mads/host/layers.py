"""The list of layers round every handler, outermost first: the last where the callee lives, the others in the core."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from mads.author.declaration import Declaration
from mads.guard.access import standing
from mads.guard.labels import Labels
from mads.host.config import Config
from mads.host.serve import subjects
from mads.host.think.thinker import thinker_of
from mads.host.version import version_of
from mads.observe.record import Observer
from mads.observe.redact import Redactor
from mads.observe.span import Watched
from mads.observe.trace import Trace
from mads.wire.call import Call, Handle
from mads.wire.failure import Failure
from mads.wire.served import LayerFor, Served

LAYERS = ("record", "fallback", "switch", "flags", "access", "limits", "canary", "breaker", "trace")
"""Their names: what is written down and counted, what stands in, what is off, who may, how much, which version
answers, what is left alone, what is current meanwhile."""


def labels_of(config: Config, declared: Mapping[str, Declaration]) -> Labels:
    """Return what knows who is trusted: whoever is said to be, and who asks models, which answer to what they are told.

    An answer of a model is as tainted as the question.
    """
    trusted = {mad for mad, it in config.mads.items() if it.trusted}
    return Labels({*trusted, thinker_of(declared)}, {mad: it.accepts for mad, it in config.mads.items()})


def inner(names: Sequence[str], trace: Trace) -> tuple[LayerFor, ...]:
    """Return those layers of `names` that stand in the process of the callee, in that order."""
    return (trace.layer,) if "trace" in names else ()


class Outer:
    """Those layers of `names` that stand in the core, wherever the callee lives: no child is trusted with them.

    `hides` redacts by subject what is asked there, where the type of that does not tell how.
    """

    def __init__(
        self, names: Sequence[str], observer: Observer, hides: Mapping[str, Redactor], guards: Mapping[str, LayerFor]
    ) -> None:
        self.names, self._observer, self._hides = tuple(names), observer, hides
        self._guards = [guards[name] for name in names if name in guards]

    def refused(self, call: Call, failure: Failure) -> None:
        """Take note of a call that came to no handler."""
        if "record" in self.names:
            self._observer.refused(call, failure)

    async def round(self, mad: str, declared: Declaration, place: str, handle: Handle) -> Handle:
        """Return `handle`, which serves `mad` in this `place`, behind them."""
        handles = self._guarded(subjects(mad, declared), handle)
        if "record" not in self.names:
            return lambda call: handles.get(call.subject, handle)(call)
        version = await asyncio.to_thread(version_of, declared.cls)
        watched = {
            subject: Watched(
                served,
                self._observer.meter.cell(mad, served.name),
                version=version,
                place=place,
                standing=standing(served) if "access" in self.names else (),
                hides=self._hides.get(subject),
            )
            for subject, served in subjects(mad, declared).items()
        }
        return self._observer.round(watched, handles, handle)

    def _guarded(self, served: Mapping[str, Served], handle: Handle) -> dict[str, Handle]:
        """Return `handle` behind the guards of each subject."""
        handles = dict.fromkeys(served, handle)
        for guard in reversed(self._guards):
            handles = {subject: guard(served[subject])(each) for subject, each in handles.items()}
        return handles
