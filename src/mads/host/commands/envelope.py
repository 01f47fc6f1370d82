"""A call that is to be kept: as an order for the store of commands, and as a call again for each attempt."""

from __future__ import annotations

import math
import time
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct

from mads.host.commands.lanes import Head
from mads.store.commands.port import Entry, Order
from mads.store.port import MAX_BODY
from mads.wire import codec
from mads.wire.call import Call, Identity
from mads.wire.errors import InvalidMessage
from mads.wire.ids import command_id

B = TypeVar("B")

LONGEST = 10 * 365 * 86400.0
"""The longest span, in seconds, that a sender may ask for."""
_SPAN = "write a timedelta between nothing and ten years"
NAME = 512
"""How many characters `key` and `once` may have."""


COMMAND = "command-"
"""What stands before its number in the name of a command."""


class Terms(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What a sender may ask for besides; spans in seconds."""

    once: str | None = None
    after: float = 0.0
    within: float | None = None


class Envelope(Struct, Generic[B], frozen=True, gc=False):
    """What is kept of a call; its body is a message, or the bytes of one."""

    subject: str
    body: B
    identity: Identity
    trace: str
    conversation: str | None
    key: str | None
    band: int
    parent: str = ""


def now_ms() -> int:
    """Return the time as the store counts it."""
    return time.time_ns() // 1_000_000


def check(it: Envelope[Any], terms: Terms) -> None:
    """Raise `InvalidMessage` where `it`, on these `terms`, can be no command."""
    after, within = terms.after, terms.within
    if not 0 <= after <= LONGEST:
        raise InvalidMessage(f"after is {after!r} seconds; {_SPAN}")
    if within is not None and not 0 <= within <= LONGEST:
        raise InvalidMessage(f"within is {within!r} seconds; {_SPAN}")
    if it.key is not None or terms.once is not None:
        for name, text in (("key", it.key), ("once", terms.once)):
            if text is not None and len(text) > NAME:
                raise InvalidMessage(f"{name} has {len(text)} characters, {NAME} are the most; take a hash of it")


def packed(body: Any) -> Raw:
    """Return the body of a command in bytes; raise `InvalidMessage` where it cannot travel or is too large."""
    found = codec.raw(body)
    size = memoryview(found).nbytes
    if size > MAX_BODY:
        raise InvalidMessage(f"a command of {size} bytes cannot be kept, {MAX_BODY} can; divide it")
    return found


def order(it: Envelope[Any], terms: Terms, attempts: int) -> Order:
    """Return what is to be kept of `it`; raise `InvalidMessage` where it can be no command."""
    check(it, terms)
    try:
        kept = codec.encode(it, limit=MAX_BODY)
    except InvalidMessage:
        packed(it.body)  # says more of a body that is refused or large
        raise
    identity, now, within = it.identity, now_ms(), terms.within
    return Order(
        identity.tenant,
        identity.chain[-1],
        it.subject,
        it.key,
        it.band,
        terms.once,
        now,
        now + round(terms.after * 1000) if terms.after else now,
        None if within is None else round(within * 1000),
        attempts,
        kept,
    )


def new_head(it: Order, seq: int, mad: str, start: float) -> Head:
    """Return what the schedule must know of an order to `mad` that has just been kept; `start` is now."""
    return Head(
        seq,
        None if it.key is None else (it.tenant, it.sender, it.key),
        it.band,
        start + (it.due - it.sent) / 1000,
        math.inf if it.within is None else start + it.within / 1000,
        0,
        it.attempts,
        "",
        mad,
        whose=(it.tenant, it.sender),
    )


def head_of(it: Entry) -> Head:
    """Return what the schedule must know of an open command; that a clock was set back makes none wait for longer."""
    start, now = time.monotonic(), now_ms()
    due = max(0, min(it.due - now, it.due - it.since))
    left = math.inf if it.within is None else min(it.sent + it.within - now, it.within)
    return Head(
        it.seq,
        None if it.key is None else (it.tenant, it.sender, it.key),
        it.band,
        start + due / 1000,
        start + left / 1000,
        it.attempt,
        it.attempts,
        it.why,
        it.subject.split(".", 2)[1],
        whose=(it.tenant, it.sender),
    )


_KEPT = Envelope[Raw]


def opened(envelope: bytes) -> Envelope[Raw]:
    """Return the envelope that was kept."""
    found: Envelope[Raw] = codec.decode(envelope, _KEPT)
    return found


def attempt(envelope: Envelope[Raw], *, seq: int, number: int, span: str, deadline: float) -> Call:
    """Return the call of attempt `number`."""
    return Call(
        subject=envelope.subject,
        body=envelope.body,
        id=command_id(seq, number),
        deadline=deadline,
        identity=envelope.identity,
        trace=envelope.trace,
        span=span,
        conversation=envelope.conversation,
        band=envelope.band,
        key=envelope.key,
        attempt=number,
        parent=envelope.parent,
        made=time.monotonic(),
        command=f"{COMMAND}{seq}",
    )
