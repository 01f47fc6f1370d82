"""The port that every store of API keys fills, and what it promises.

* What a method has returned from is on disk: no crash undoes it. What raised has changed nothing.
* It keeps the hash of a key's secret, never the secret; two keys never have one hash.
* A key's `id` is never given twice; what was made later has a larger one. A revoked key stays, so that a record that
  names it can be read.
* All times are given by the caller, in milliseconds since 1970: a store has no clock, so none can mislead it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Terms(Struct, frozen=True, kw_only=True):
    """Whom a key stands for and what it may: `roles` are for those who decide by them, `scopes` as `guard` reads them.

    It is good from `made` until `expires`; None is for ever.
    """

    principal: str
    tenant: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    made: int
    expires: int | None


class Key(Struct, frozen=True, kw_only=True):
    """A key as it is kept; `revoked` is when it was, `replaces` the key in whose place it was made."""

    id: int
    digest: bytes
    terms: Terms
    revoked: int | None = None
    replaces: int | None = None


class Keys(Protocol):
    """A store of API keys."""

    async def add(self, digest: bytes, terms: Terms) -> Key:
        """Keep one more key; raise `StoreError` where there is one of that digest."""
        ...

    async def replace(self, old: int, digest: bytes, terms: Terms, *, until: int) -> tuple[Key, Key] | None:
        """Keep a key in the place of another, which ends at `until` if not before; return the old one and the new.

        None where the old one is not there or was revoked.
        """
        ...

    async def revoke(self, key: int, *, now: int) -> Key | None:
        """Say that a key is revoked, and return it as it then is; None where there is none that is not revoked yet."""
        ...

    async def all(self) -> Sequence[Key]:
        """Return every key, by `id`."""
        ...


def sooner(expires: int | None, until: int) -> int:
    """Return when a key ends that is to end at `until`, if it has not ended by then."""
    return until if expires is None else min(expires, until)
