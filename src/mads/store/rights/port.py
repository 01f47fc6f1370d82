"""The port that every store of rights fills, and what it promises.

* A change is made as a whole or not at all, and is a new revision, one more than the last; what it has returned from is
  on disk.
* A grant's `id` is never given twice; no two grants say the same.
* A role that is dropped takes what it was granted with it, and what it was granted to nobody holds any more.
* All times are given by the caller, in milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Terms(Struct, frozen=True):
    """What is granted: that `whom` (a principal, `role:NAME`, `mad:NAME`) holds `what`, a pattern or a role.

    With `allow` false it is denied. `tenant` is whose it is, `*` for everybody's; `when` a condition, "" for always.
    """

    whom: str
    tenant: str
    what: str
    allow: bool = True
    when: str = ""


class Grant(Struct, frozen=True):
    """One grant as it is kept."""

    id: int
    terms: Terms


class Change(Struct, frozen=True, kw_only=True):
    """What becomes of the rights: roles and grants that are gone, then those that are there; `what` says it in words.

    A role that is both dropped and made is made anew, and those who hold it go on doing so.
    """

    what: str
    dropped: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    revoked: tuple[int, ...] = ()
    granted: tuple[Terms, ...] = ()


class Kept(Struct, frozen=True):
    """All rights as they are at one revision: the roles by name, the grants by id."""

    revision: int
    roles: tuple[str, ...]
    grants: tuple[Grant, ...]


class Rights(Protocol):
    """A store of rights."""

    async def change(self, change: Change, *, now: int) -> Kept:
        """Make a change and return what is kept then; what is granted already stays as it is."""
        ...

    async def kept(self) -> Kept:
        """Return what is kept."""
        ...

    async def revisions(self) -> Sequence[tuple[int, int, str]]:
        """Return the number of each revision, when it was made and what it was in words; the first one first."""
        ...
