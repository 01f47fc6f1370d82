"""The port that every store of the audit fills, and what it promises.

* Rows are only added: numbered without a gap from 1, in the order in which they were given; once `add` has returned
  they are on disk.
* Each has a hash, keyed, over all that it says and over the hash of the one before. So who has not the key can change,
  remove or move none without its showing; and whoever knows the `Head` sees also that rows at the end are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Literal, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

Kind = Literal["call", "key", "policy", "signin", "secret", "audit", "switch"]
"""What was decided: about a call, a change of keys or rights, a credential, a secret; or found out about the
audit itself."""


class Event(Struct, frozen=True, kw_only=True):
    """One decision: `allowed` by `rule`, at the `revision` of the rules, in microseconds since 1970.

    `principal` of `tenant` wanted `subject`, through the MADs of `chain` (with a dot between two); `request` and
    `trace` are those of the call.
    """

    at: int
    kind: Kind
    principal: str
    tenant: str
    chain: str = ""
    subject: str
    allowed: bool
    rule: str
    revision: int = 0
    request: str = ""
    trace: str = ""


class Row(Struct, frozen=True):
    """An event as it is kept, and the hash that binds it."""

    seq: int
    event: Event
    hash: bytes


class Head(Struct, frozen=True):
    """The last row: its number and its hash; 0 and nothing where there is none."""

    seq: int = 0
    hash: bytes = b""


class Which(Struct, frozen=True, kw_only=True):
    """Which rows: those of a `tenant`, a `principal`, a `request` or a `trace`, those that were `denied`; "" is any."""

    tenant: str = ""
    principal: str = ""
    request: str = ""
    trace: str = ""
    denied: bool = False


class Audit(Protocol):
    """A store of the audit."""

    async def add(self, events: Sequence[Event]) -> Head:
        """Add a row for each of `events`; return the last."""
        ...

    async def last(self, which: Which, limit: int) -> Sequence[Row]:
        """Return the last `limit` of `which` rows, oldest first."""
        ...

    async def verify(self, head: Head) -> Sequence[str]:
        """Return what is wrong, in words, a line each, where rows up to `head` have to be there; at most `SHOWN`."""
        ...

    async def head(self) -> Head:
        """Return the last row there is."""
        ...


SHOWN = 20
"""How many lines of what is wrong are told."""


def linked(key: bytes, before: bytes, seq: int, event: Event) -> bytes:
    """Return the hash that binds the row `seq` of `event` to the row `before` it."""
    return blake2b(msgspec.msgpack.encode((before, seq, astuple(event))), key=key, digest_size=32).digest()


def broken(rows: Iterator[Row], key: bytes, head: Head) -> Iterator[str]:
    """Yield what is wrong with all `rows`, in words."""
    before, at, found = b"", 0, not head.seq
    for row in rows:
        missing = row.seq - at - 1
        if missing > 0:
            yield f"{'row' if missing == 1 else 'rows'} {at + 1}{f' to {row.seq - 1}' if missing > 1 else ''} missing"
        elif linked(key, before, row.seq, row.event) != row.hash:
            yield f"row {row.seq} was changed, or the one before it"
        if row.event.kind == "audit":
            yield f"row {row.seq} says: {row.event.rule}"
        if row.seq == head.seq:
            found = True
            if row.hash != head.hash:
                yield f"row {row.seq} is not the one that was noted as the last"
        before, at = row.hash, row.seq
    if at < head.seq:
        yield f"the rows from {at + 1} to {head.seq} at the end are missing"
    elif not found:
        yield f"row {head.seq}, which was noted as the last, is missing"
