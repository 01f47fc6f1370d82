"""API keys in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from mads.store.keys.port import Key, Terms, sooner
from mads.wire.errors import StoreError


class MemoryKeys:
    """Keeps keys for as long as it lives."""

    def __init__(self) -> None:
        self._next = itertools.count(1).__next__
        self._keys: dict[int, Key] = {}

    async def add(self, digest: bytes, terms: Terms) -> Key:
        """Keep one more key; raise `StoreError` where there is one of that digest."""
        return self._put(digest, terms)

    async def replace(self, old: int, digest: bytes, terms: Terms, *, until: int) -> tuple[Key, Key] | None:
        """Keep a key in the place of another, which ends at `until` if not before; return the old one and the new."""
        kept = self._keys.get(old)
        if kept is None or kept.revoked is not None:
            return None
        new = self._put(digest, terms, replaces=old)
        ends = msgspec.structs.replace(kept.terms, expires=sooner(kept.terms.expires, until))
        self._keys[old] = msgspec.structs.replace(kept, terms=ends)
        return self._keys[old], new

    async def revoke(self, key: int, *, now: int) -> Key | None:
        """Say that a key is revoked, and return it as it then is; None where there is none that is not revoked yet."""
        kept = self._keys.get(key)
        if kept is None or kept.revoked is not None:
            return None
        self._keys[key] = msgspec.structs.replace(kept, revoked=now)
        return self._keys[key]

    async def all(self) -> Sequence[Key]:
        """Return every key, by `id`."""
        return list(self._keys.values())

    def _put(self, digest: bytes, terms: Terms, *, replaces: int | None = None) -> Key:
        if any(key.digest == digest for key in self._keys.values()):
            raise StoreError("there is a key of that digest already")
        key = Key(id=self._next(), digest=digest, terms=terms, replaces=replaces)
        self._keys[key.id] = key
        return key
