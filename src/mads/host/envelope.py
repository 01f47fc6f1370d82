"""A call that is to be kept: as an order for the store of commands, and as a call again for each attempt."""

from __future__ import annotations

import time

from msgspec import Raw, Struct

from mads.store.commands.port import Order
from mads.store.port import MAX_BODY
from mads.wire import codec
from mads.wire.call import Call, Identity
from mads.wire.errors import InvalidMessage

LONGEST = 10 * 365 * 86400.0
"""The longest span, in seconds, that a sender may ask for."""
NAME = 512
"""How many characters `key` and `once` may have."""


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """What a sender may ask for besides; spans in seconds."""

    once: str | None = None
    after: float = 0.0
    within: float | None = None


class Envelope(Struct, frozen=True):
    """What is kept of a call."""

    subject: str
    body: Raw
    identity: Identity
    trace: str
    conversation: str | None
    key: str | None
    band: int


def now_ms() -> int:
    """Return the time as the store counts it."""
    return time.time_ns() // 1_000_000


def check(call: Call, terms: Terms) -> None:
    """Raise `InvalidMessage` where `call` with these `terms` can be no command."""
    for name, span in (("after", terms.after), ("within", terms.within)):
        if span is not None and not 0 <= span <= LONGEST:
            raise InvalidMessage(f"{name} is {span!r} seconds; write a timedelta between nothing and ten years")
    for name, text in (("key", call.key), ("once", terms.once)):
        if text is not None and len(text) > NAME:
            raise InvalidMessage(f"{name} has {len(text)} characters, {NAME} are the most; take a hash of it")
    size = memoryview(codec.raw(call.body)).nbytes
    if size > MAX_BODY:
        raise InvalidMessage(f"a command of {size} bytes cannot be kept, {MAX_BODY} can; divide it")


def order(call: Call, terms: Terms, attempts: int) -> Order:
    """Return what is to be kept of `call`, which `check` has found to be in order."""
    body, now = codec.raw(call.body), now_ms()
    envelope = Envelope(*(call.subject, body, call.identity, call.trace, call.conversation, call.key, call.band))
    return Order(
        tenant=call.identity.tenant,
        sender=call.identity.chain[-1],
        subject=call.subject,
        key=call.key,
        band=call.band,
        once=terms.once,
        sent=now,
        due=now + round(terms.after * 1000),
        within=None if terms.within is None else round(terms.within * 1000),
        attempts=attempts,
        envelope=codec.encode(envelope),
    )


def opened(envelope: bytes) -> Envelope:
    """Return the envelope that was kept."""
    found: Envelope = codec.decode(envelope, Envelope)
    return found


def attempt(envelope: Envelope, *, seq: int, number: int, span: str, deadline: float) -> Call:
    """Return the call of attempt `number`."""
    return Call(
        subject=envelope.subject,
        body=envelope.body,
        id=f"command-{seq}.{number}",
        deadline=deadline,
        identity=envelope.identity,
        trace=envelope.trace,
        span=span,
        conversation=envelope.conversation,
        band=envelope.band,
        key=envelope.key,
        attempt=number,
    )
