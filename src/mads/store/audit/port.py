"""The port that every store of the audit fills, and what it promises.

* Rows are only added: numbered without a gap from 1, in the order in which they were given; once `add` has returned
  they are on disk.
* Each has a hash, keyed, over all that it says and over the hash of the one before. So who has not the key can change,
  remove or move none without its showing; and whoever knows the `Head` sees also that rows at the end are missing.
* Rows go by age only, the oldest first, once they have been found to be as they were written; a row of the kind `cut`
  says which went and what the hash of the last was, so that those behind can be verified as before.
* A row of the kind `audit` says that somebody accepts what is wrong before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Literal, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from mads.wire.errors import StoreError

Kind = Literal["call", "key", "policy", "signin", "secret", "audit", "cut", "switch", "setting"]
"""What was decided: about a call, a change of keys or rights, a credential, a secret; or about the audit itself: what
is accepted as it is, and what went by age."""

_CUT = re.compile(r"the rows up to (\d+) are gone by age; the last of them had the hash ([0-9a-f]{64})")


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

    async def verify(self, head: Head, *, latest: int | None = None) -> Sequence[str]:
        """Return what is wrong, in words, a line each, where rows up to `head` have to be there; at most `SHOWN`.

        Where `latest` is given, of the last so many rows, and without what somebody has accepted.
        """
        ...

    async def cut(self, before: int) -> Head | None:
        """Take one step to be rid of the rows from before `before`; return the last row, None where no step is left.

        Raises `StoreError` where one of them is not as it was written, and nobody has accepted that.
        """
        ...

    async def head(self) -> Head:
        """Return the last row there is."""
        ...


SHOWN = 20
"""How many lines of what is wrong are told."""


def linked(key: bytes, before: bytes, seq: int, event: Event) -> bytes:
    """Return the hash that binds the row `seq` of `event` to the row `before` it."""
    return blake2b(msgspec.msgpack.encode((before, seq, astuple(event))), key=key, digest_size=32).digest()


def broken(rows: Iterable[Row], key: bytes, head: Head, after: Head) -> Iterator[tuple[str, bool]]:
    """Yield what is wrong with all `rows` behind `after`, in words, and whether somebody says so who accepts it."""
    before, at, found = after.hash, after.seq, head.seq <= after.seq
    for row in rows:
        sound = linked(key, before, row.seq, row.event) == row.hash
        missing = row.seq - at - 1
        if missing > 0:
            yield (
                f"{'row' if missing == 1 else 'rows'} {at + 1}{f' to {row.seq - 1}' if missing > 1 else ''} missing",
                False,
            )
        elif not sound:
            yield f"row {row.seq} was changed, or the one before it", False
        if row.event.kind == "audit":
            yield f"row {row.seq} says: {row.event.rule}", sound
        if row.seq == head.seq:
            found = True
            if row.hash != head.hash:
                yield f"row {row.seq} is not the one that was noted as the last", False
        before, at = row.hash, row.seq
    if at < head.seq:
        yield f"the rows from {at + 1} to {head.seq} at the end are missing", False
    elif not found:
        yield f"row {head.seq}, which was noted as the last, is missing", False


def open_doubts(faults: Iterable[tuple[str, bool]]) -> list[str]:
    """Return those of `faults` that nobody has accepted since."""
    doubts: list[str] = []
    for line, accepted in faults:
        doubts = [] if accepted else [*doubts[: SHOWN - 1], line]
    return doubts


def cut_event(last: Head, at: int) -> Event:
    """Return what says that the rows up to `last` are gone."""
    rule = f"the rows up to {last.seq} are gone by age; the last of them had the hash {last.hash.hex()}"
    return Event(at=at, kind="cut", principal="host", tenant="", subject="audit", allowed=True, rule=rule)


def cut_at(event: Event) -> Head:
    """Return the last of the rows of which `event` says that they are gone."""
    said = _CUT.fullmatch(event.rule)
    return Head(int(said[1]), bytes.fromhex(said[2])) if said else Head()


def refuse_doubtful(doubts: Sequence[str]) -> None:
    """Raise `StoreError` where there are any: rows that are not as they were written do not go by age."""
    if doubts:
        raise StoreError(f"the audit keeps its oldest rows: {doubts[0]}; look at it with: mads audit verify")
