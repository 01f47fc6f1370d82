"""The port that every store of the record fills, and what it promises.

* Entries get their `seq` in the order in which they are added, counted up without a gap; all of one batch are kept with
  their bodies, or none.
* A body that is kept already is not kept twice.
* What `add` has returned from is on disk: no crash undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from mads.wire.record import Entry

PAGE = 1000
"""How many entries a query returns where it does not say."""


class Batch(Struct):
    """Entries to keep, in order, and the bodies that they name by address, but for those that are their own."""

    entries: Sequence[Entry]
    bodies: dict[bytes, bytes]


class Query(Struct, frozen=True, kw_only=True):
    """Which entries: those of which all that is given is true; `since` counts, `until` no longer (µs since 1970).

    They come by `seq`, the first `limit` of them after `after`; where `newest`, the last `limit`.
    """

    tenant: str | None = None
    trace: str | None = None
    conversation: str | None = None
    id: str | None = None
    since: int | None = None
    until: int | None = None
    after: int = 0
    limit: int = PAGE
    newest: bool = False


class Record(Protocol):
    """A store of the record; it never looks into bodies."""

    async def add(self, make: Callable[[], Batch]) -> int:
        """Keep what `make` returns, which is called where it holds up nobody; return how many entries that were."""
        ...

    async def entries(self, query: Query) -> list[Entry]:
        """Return the entries that `query` asks for."""
        ...

    async def body(self, address: bytes) -> bytes | None:
        """Return the body at `address`; None where there is none."""
        ...
