"""The sending side: every call that leaves a MAD, a timer or a door gets its identity, deadline and trace here."""

from __future__ import annotations

import time
from typing import Any

from mads.guard.labels import Labels
from mads.wire.call import Band, Call, Identity, Sink, current
from mads.wire.ids import call_ids, span_ids, trace_ids

PATIENCE = 30.0
"""Seconds that a call waits for its answer where nobody says otherwise."""


class Caller:
    """Makes calls in the name of one MAD.

    A call made while another is handled is its child: it inherits principal, tenant, conversation, trace and worth, and
    the deadline where its own would be later, and the labels that this one has by now. None is in a band before `band`.
    """

    def __init__(self, identity: Identity, labels: Labels | None = None, *, band: int = Band.CONTROL) -> None:
        self._own, self._labels, self._band = identity, labels or Labels(), band
        self._picked = self._labels.picked
        self._as: tuple[Identity, Identity] = (identity, identity)
        self._new_id, self._new_trace, self._new_span = call_ids(), trace_ids(), span_ids()

    def call(
        self,
        subject: str,
        body: Any,
        *,
        timeout: float = PATIENCE,
        key: str | None = None,
        command: str | None = None,
        band: int | None = None,
        sink: Sink | None = None,
        conversation: str | None = None,
        outlives: bool = False,
    ) -> Call:
        """Return the call of `subject` with `body` (see `Call`), to be answered within `timeout` seconds."""
        parent = current.get()
        now = time.monotonic()
        deadline = now + timeout
        if parent is None:
            return Call(
                subject=subject,
                body=body,
                id=self._new_id(),
                deadline=deadline,
                identity=self._own,
                trace=self._new_trace(),
                span=self._new_span(),
                conversation=conversation,
                band=max(Band.NORMAL, self._band) if band is None else band,
                key=key,
                sink=sink,
                made=now,
            )
        return Call(
            subject=subject,
            body=body,
            id=self._new_id(),
            deadline=deadline if outlives or deadline < parent.deadline else parent.deadline,
            identity=self._descend(parent),
            trace=parent.trace,
            span=self._new_span(),
            cause=parent.id,
            conversation=conversation or parent.conversation,
            band=max(parent.band, self._band) if band is None else band,
            key=key,
            command=command,
            sink=sink,
            parent=parent.span,
            context=parent.context,
            made=now,
            worth=parent.worth,
        )

    def origin(self) -> tuple[Identity, str, str | None, int, str]:
        """Return whose a command is that is sent now: identity, trace, conversation, band, and the span above it."""
        parent = current.get()
        if parent is None:
            return self._own, self._new_trace(), None, max(Band.NORMAL, self._band), ""
        band = max(parent.band, self._band)
        return self._descend(parent), parent.trace, parent.conversation, band, parent.span

    def _descend(self, parent: Call) -> Identity:
        """Return the identity of a call that is made on behalf of `parent`; the last one is remembered."""
        above = parent.identity
        if self._as[0] is not above:
            chain = (*above.chain, *self._own.chain)
            self._as = (above, Identity(above.principal, above.tenant, chain, above.roles, labels=above.labels))
        return self._labels.on(self._as[1], parent.id) if self._picked else self._as[1]
