"""One handling of one call, light while it waits to be written, and the entry and the bodies that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Raw, Struct

from mads.observe.meter import Cell
from mads.observe.redact import Redactor, redactor, said
from mads.store.record.port import Batch
from mads.wire import codec
from mads.wire.call import EVENT, Call, Reply
from mads.wire.errors import InvalidMessage
from mads.wire.ids import is_command
from mads.wire.record import HASHED, Decision, Entry, Kind, address
from mads.wire.served import Served

WORDS = 500
"""How many characters of a failure's message are kept."""

MICRO = 1_000_000


Hide = Redactor | Literal[False] | None
"""What redacts the bodies of one type: False where none has to be, None where the type is not known."""


class Watched:
    """What is served in one place: what its entries say of it, and the cell in which its calls are counted.

    `hides` redacts what it is asked, where the type of that does not tell how.
    """

    def __init__(
        self,
        served: Served,
        cell: Cell,
        *,
        version: str,
        place: str,
        standing: tuple[Decision, ...] = (),
        hides: Redactor | None = None,
    ) -> None:
        self.served, self.cell = served, cell
        self.version, self.place, self.standing = version, place, standing
        self.is_event = served.kind == "event"
        self.asked: Hide = hides or _redactor(served.asked)
        self.answered: Hide = _redactor(served.answered)


class Span(Struct, gc=False):
    """From when to when (`time.monotonic()`) a call was handled, or refused, and what came of it.

    `watched` is what serves its subject, where that is known.
    """

    watched: Watched | None
    call: Call
    reply: Reply
    began: float
    ended: float
    handled: bool = True

    @property
    def weight(self) -> int:
        """How many bytes its bodies hold, where they travelled as bytes."""
        asked, answered = self.call.body, self.reply.body
        return (len(asked) if type(asked) is Raw else 0) + (len(answered) if type(answered) is Raw else 0)


def batch_of(spans: Sequence[Span], epoch: float, steady: float) -> Batch:
    """Return what is to be kept of `spans`; `epoch` is when `time.monotonic()` was 0, in seconds since 1970.

    So is `steady`, by a clock that never goes back.
    """
    bodies: dict[bytes, bytes] = {}
    return Batch([_entry(span, epoch, steady, bodies) for span in spans], bodies)


def _entry(span: Span, epoch: float, steady: float, bodies: dict[bytes, bytes]) -> Entry:
    call, reply, by = span.call, span.reply, span.watched
    failure, identity = reply.failure, call.identity
    secrets: list[str] = []
    asked = _kept(call.body, by.asked if by else None, bodies, secrets)
    answered = b"" if reply.body is None else _kept(reply.body, by.answered if by else None, bodies, secrets)
    by = by if span.handled else None
    return Entry(
        kind=_kind(call, by),
        id=call.id,
        cause=call.cause,
        subject=call.subject,
        mad=by.served.mad if by else failure.where if failure else "",
        version=by.version if by else "",
        place=by.place if by else "",
        principal=identity.principal,
        tenant=identity.tenant,
        conversation=call.conversation,
        trace=call.trace,
        span=call.span,
        parent=call.parent,
        at_us=int((epoch + span.began) * MICRO),
        waited_us=int((span.began - call.made) * MICRO) if call.made else 0,
        took_us=int((span.ended - span.began) * MICRO),
        steady_us=int((steady + span.began) * MICRO),
        attempt=call.attempt,
        key=call.key,
        outcome="ok" if failure is None else failure.code,
        why="" if failure is None else said(failure.message, secrets)[:WORDS],
        cost=reply.cost,
        notes=call.notes and said(call.notes, secrets),
        asked=asked,
        answered=answered,
        chain=identity.chain,
        taint=reply.labels or identity.labels,
        decisions=by.standing + reply.decisions if by else reply.decisions,
    )


def _kind(call: Call, by: Watched | None) -> Kind:
    if by is None:
        return "event" if call.subject.startswith(EVENT) else "refused"
    kind = by.served.kind
    return "command" if kind == "call" and is_command(call.id) else kind


def _kept(body: Any, hide: Hide, bodies: dict[bytes, bytes], secrets: list[str]) -> bytes:
    """Return the address of `body` as it may be kept, and add to `secrets` the words that must not be said of it.

    Bytes of which nobody knows the type are not kept: they may hold anything.
    """
    if type(body) is not Raw:
        try:
            data = codec.encode(body)
        except InvalidMessage:
            return b""
        hide = _redactor(body.__class__) if hide is None else hide
    elif hide is None:
        return b""
    else:
        data = bytes(body)
    if isinstance(hide, Redactor):
        data, words = hide.body(data)
        secrets += words
    if len(data) < HASHED:
        return data
    at = address(data)
    bodies[at] = data
    return at


def _redactor(type_: Any) -> Hide:
    return None if type_ is None else (redactor(type_) or False)
