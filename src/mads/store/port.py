"""The port that every store of kept values fills, and what it promises.

* What `add` or `remove` has returned from is on disk: no crash undoes it. What raised has changed nothing.
* A row's id is never given twice; a later row has a larger one.
* A field keeps rows of one type at a time. Adding to it or reading it as another type raises `StoreError`, so that a
  message with a new version or name is never taken for an empty field, nor its bytes for what they are not.
* What the store cannot do it says by a `StoreError`; one in another process also by a `CallError`.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from mads.wire.errors import StoreError

MAX_BODY = 8 * 1024 * 1024
"""The largest body, in bytes: with what travels beside it, it always fits one message."""

Row = tuple[int, bytes]
"""The id and the body of a row."""


Taint = tuple[str, ...]
"""The labels of what a row was made of."""


class Scope(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose rows they are: one tenant's, in one field of one MAD, of one message type (its versioned wire name)."""

    tenant: str
    mad: str
    field: str
    type: str


class KeptRows(Protocol):
    """A store of kept values; it never looks into their bytes."""

    async def add(self, scope: Scope, body: bytes, taint: Taint = ()) -> int:
        """Keep one more row, with the labels of what it was made of; return its id."""
        ...

    async def rows(self, scope: Scope, *, after: int = 0, size: int | None = None) -> list[Row]:
        """Return the rows with an id above `after`, oldest first: all, or as many as `page` takes to reach `size`."""
        ...

    async def tainted(self, scope: Scope) -> dict[int, Taint]:
        """Return the labels of those rows that have any, by their ids, whatever type they are of."""
        ...

    async def remove(self, scope: Scope, ids: Sequence[int]) -> int:
        """Forget those of the scope's rows that `ids` names; return how many there were."""
        ...

    async def close(self) -> None:
        """Finish what was taken and let go of the engine; closing again does nothing."""


def weight(body: bytes) -> int:
    """Return how many bytes a row takes in a message, at most."""
    return len(body) + 16


def page(scope: Scope, rows: Iterable[tuple[int, str, bytes]], size: int | None) -> list[Row]:
    """Return the ids and bodies of `rows`, all of the scope's type, up to the one with which they weigh `size`."""
    found: list[Row] = []
    left = sys.maxsize if size is None else size
    for row, kept_as, body in rows:
        expect(scope, row, kept_as)
        found.append((row, body))
        left -= weight(body)
        if left <= 0:
            break
    return found


def expect(scope: Scope, row: int, kept_as: str) -> None:
    """Raise `StoreError` where a row of the scope's field is of another type."""
    if kept_as != scope.type:
        raise StoreError(
            f"{scope.mad}.{scope.field} keeps {kept_as!r} (row {row}), and the code now says {scope.type!r}: "
            f"go back to {kept_as!r}, or keep {scope.type!r} in a field of its own; nothing was lost"
        )
