"""What is written down of every call that was served or refused here: one `Entry`, whose bodies lie beside it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Literal

from msgspec import Struct

from mads.wire.errors import InvalidMessage

Kind = Literal["call", "event", "timer", "command", "prose", "model", "refused"]
"""What an entry tells of; `refused` is a call that came to no handler."""

HASHED = 32
"""A body of so many bytes or more goes by its digest, which has as many."""


MOST_AT_ONCE = 10**12
"""The most that may be charged for a call at once, in millionths: a million."""


class Decision(Struct, frozen=True):
    """What a guard decided of one call: the layer, the rule that it went by, and the revision of the rules, if any."""

    layer: str
    allowed: bool
    rule: str
    revision: int = 0


RULES, RULE = 32, 500
"""How many decisions of its own the handler of a call may name, and how many characters of each count."""


def speaker(subject: str) -> str:
    """Return the layer in whose name the MAD that handles `subject` says what it decided; no guard's name has a dot."""
    return ".".join(subject.split(".")[:2])


def own(decisions: Sequence[Decision], subject: str) -> tuple[Decision, ...]:
    """Return those of `decisions` that the MAD that handles `subject` may have made: none is a guard's."""
    layer = speaker(subject)
    return tuple(Decision(layer, it.allowed, it.rule[:RULE]) for it in decisions[:RULES] if it.layer == layer)


class Entry(Struct, frozen=True, kw_only=True):
    """One call, event, timer, command or prose turn as it was handled, or as it was refused.

    `seq` is the order in which entries were written (0: not yet). `mad` handled it, from a module whose source has the
    `version` (12 hex digits of its SHA-256), in the `place` (here, process); all three are empty where nobody did.
    `cause` is the id of the call that was being handled when this one was made, `parent` the span of that, or of the
    client. Times are in microseconds: `at_us` since 1970 when its handling began, `waited_us` until then, `took_us`
    from then on; `steady_us` is `at_us` by a clock that never goes back (0: not known). `outcome` is ok, unheard (an
    event), cancelled, or the code of the failure; `why` is its message.
    `cost` is in millionths of the unit of money. `asked` and `answered` are the addresses of the bodies, empty where
    there is none or where none is kept. `taint` are the labels of what it was asked and told, as "untrusted:marco".
    """

    seq: int = 0
    kind: Kind
    id: str
    cause: str | None = None
    subject: str
    mad: str = ""
    version: str = ""
    place: str = ""
    principal: str
    tenant: str
    conversation: str | None = None
    trace: str = ""
    span: str = ""
    parent: str = ""
    at_us: int
    waited_us: int = 0
    took_us: int = 0
    steady_us: int = 0
    attempt: int = 1
    key: str | None = None
    outcome: str
    why: str = ""
    cost: int = 0
    notes: str | None = None
    asked: bytes = b""
    answered: bytes = b""
    chain: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    taint: tuple[str, ...] = ()

    @property
    def began_us(self) -> int:
        """When it began, to put entries in order and to measure between them, whatever became of the clock."""
        return self.steady_us or self.at_us


def amount(micro_usd: Any) -> int:
    """Return what may be charged for a call at once; raise `InvalidMessage` where that is no amount."""
    if type(micro_usd) is not int or not 0 <= micro_usd <= MOST_AT_ONCE:
        raise InvalidMessage(
            f"charge({micro_usd!r:.40}): write a whole number of millionths of a dollar, from 0 to {MOST_AT_ONCE}"
        )
    return micro_usd


def address(body: bytes) -> bytes:
    """Return where `body` is to be found: equal bodies have one address, and a short one is its own."""
    return body if len(body) < HASHED else blake2b(body, digest_size=HASHED).digest()
