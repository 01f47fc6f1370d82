"""Secrets in memory: twins for tests, which keep every promise but the one about crashes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from mads.store.secrets.port import Envelope, Grant, Lease, SealKey, Wanted
from mads.wire.errors import StoreError


class MemorySecrets:
    """Keeps envelopes for as long as it lives."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, int], Envelope] = {}

    async def add(self, envelope: Envelope, *, ends: int, now: int) -> bool:
        """Keep the next version; return whether it was the next one, else nothing is kept."""
        it, newest = envelope, self._newest(envelope.tenant, envelope.path)
        if it.version != (newest.version if newest else 0) + 1:
            return False
        if newest is not None:
            soonest = ends if newest.ends is None else min(newest.ends, ends)
            self.rows[it.tenant, it.path, newest.version] = replace(newest, ends=soonest)
        for old in self._versions(it.tenant, it.path):
            if old.ends is not None and old.ends <= now:
                del self.rows[old.tenant, old.path, old.version]
        self.rows[it.tenant, it.path, it.version] = it
        return True

    async def find(self, wanted: Sequence[Wanted]) -> Sequence[Envelope | None]:
        """Return each of `wanted`."""
        return [
            self._newest(tenant, path) if version is None else self.rows.get((tenant, path, version))
            for tenant, path, version in wanted
        ]

    async def listed(self, *, older: bool = False) -> Sequence[Envelope]:
        """Return the newest version of each path, or all of them, without body and key."""
        kept = [it for _, it in sorted(self.rows.items())]
        found = kept if older else {(it.tenant, it.path): it for it in kept}.values()
        return [replace(it, wrapped=b"", body=b"") for it in found if it.wrapped]

    async def drop(self, tenant: str, path: str, *, now: int) -> bool:
        """Forget every version but the number of the newest; return whether there was anything to forget."""
        newest = await self.take(tenant, path)
        if newest is None:
            return False
        empty = replace(newest, wrapped=b"", body=b"", marks=b"", hosts=(), ends=now, expires=None)
        self.rows[tenant, path, newest.version] = empty if newest.wrapped else newest
        return bool(newest.wrapped)

    async def take(self, tenant: str, path: str) -> Envelope | None:
        """Return the newest version and forget all of it."""
        newest = self._newest(tenant, path)
        for old in self._versions(tenant, path):
            del self.rows[tenant, path, old.version]
        return newest

    async def rewrap(self, sealed: int, wrap: Callable[[Envelope], bytes], limit: int) -> int:
        """Wrap up to `limit` data keys, that are under another key, under the key `sealed`; return how many."""
        others = [it for it in self.rows.items() if it[1].sealed != sealed][:limit]
        for key, it in others:
            self.rows[key] = replace(it, sealed=sealed, wrapped=wrap(it) if it.wrapped else b"")
        return len(others)

    def _versions(self, tenant: str, path: str) -> list[Envelope]:
        return [it for it in self.rows.values() if (it.tenant, it.path) == (tenant, path)]

    def _newest(self, tenant: str, path: str) -> Envelope | None:
        return max(self._versions(tenant, path), key=lambda it: it.version, default=None)


class MemorySealKeys:
    """Keeps keys for as long as it lives; `secrets` are what lies under them."""

    def __init__(self, secrets: MemorySecrets) -> None:
        self._secrets, self._next = secrets, itertools.count(1).__next__
        self._keys: dict[int, SealKey] = {}

    async def keys(self) -> Sequence[SealKey]:
        """Return every key, the oldest first."""
        return list(self._keys.values())

    async def put(self, key: SealKey) -> SealKey:
        """Keep a key in the place of the one of its `id`, or a new one, where that is 0; return it with its number."""
        kept = key if key.id else replace(key, id=self._next())
        self._keys[kept.id] = kept
        return kept

    async def drop(self, key: int) -> None:
        """Forget a key; raise `StoreError` while a data key is under it."""
        used = sum(it.sealed == key for it in self._secrets.rows.values())
        if used:
            raise StoreError(f"{used} secrets are still under key {key}; it stays")
        self._keys.pop(key, None)


class MemorySecretGrants:
    """Keeps grants and leases for as long as it lives."""

    def __init__(self) -> None:
        self._next = itertools.count(1).__next__
        self._grants: dict[tuple[str, str, str], Grant] = {}
        self._leases: dict[int, Lease] = {}

    async def grants(self) -> Sequence[Grant]:
        """Return every grant, by tenant, MAD and pattern."""
        return [it for _, it in sorted(self._grants.items())]

    async def grant(self, grant: Grant) -> None:
        """Keep a grant, in the place of one for the same."""
        self._grants[grant.tenant, grant.mad, grant.pattern] = grant

    async def revoke(self, tenant: str, mad: str, pattern: str) -> bool:
        """Forget a grant; return whether there was one."""
        return self._grants.pop((tenant, mad, pattern), None) is not None

    async def lend(self, lease: Lease, *, now: int) -> Lease:
        """Keep a lease; return it with its number. Those that had ended by `now` are forgotten."""
        self._leases = {id_: it for id_, it in self._leases.items() if it.until > now}
        kept = replace(lease, id=self._next())
        self._leases[kept.id] = kept
        return kept

    async def lease(self, lease: int) -> Lease | None:
        """Return the lease of that number; None where there is none, or no longer."""
        return self._leases.get(lease)
