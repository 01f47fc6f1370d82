"""The ports that every store of secrets fills, and what they promise.

* What a method has returned from is on disk: no crash undoes it. What raised has changed nothing.
* It is given envelopes, and keys that are wrapped: it never sees a secret, nor what opens one.
* Versions of a path count from 1, without a gap, and never begin anew, whatever is dropped.
* All times are given by the caller, in milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

Wanted = tuple[str, str, int | None]
"""A tenant, a path, and a version: None is the newest."""


class Envelope(Struct, frozen=True, kw_only=True):
    """One version of a secret: the `body`, under a data key that is `wrapped` under the key of number `sealed`.

    It is worth nothing from `expires` on, nor, beside a newer version, from `ends` on; it may go to `hosts` only.
    `marks` are what it is known by in what goes out.
    """

    tenant: str
    path: str
    version: int
    sealed: int
    wrapped: bytes
    body: bytes
    made: int
    expires: int | None = None
    ends: int | None = None
    hosts: tuple[str, ...] = ()
    marks: bytes = b""


class Envelopes(Protocol):
    """A store of secrets."""

    async def add(self, envelope: Envelope, *, ends: int, now: int) -> bool:
        """Keep the next version; the one before `ends` then at the latest, and what had ended by `now` is forgotten.

        Returns whether it was the next one: else nothing is kept.
        """
        ...

    async def find(self, wanted: Sequence[Wanted]) -> Sequence[Envelope | None]:
        """Return each of `wanted`; a dropped one has no body."""
        ...

    async def listed(self, *, older: bool = False) -> Sequence[Envelope]:
        """Return the newest version of each path that was not dropped, without body and key, by tenant and path.

        With the `older` ones every version that is kept, the newest of a path last.
        """
        ...

    async def drop(self, tenant: str, path: str, *, now: int) -> bool:
        """Forget every version but the number of the newest; return whether there was anything to forget."""
        ...

    async def take(self, tenant: str, path: str) -> Envelope | None:
        """Return the newest version and forget all of it, its number too: only one who asks gets it."""
        ...

    async def rewrap(self, sealed: int, wrap: Callable[[Envelope], bytes], limit: int) -> int:
        """Wrap up to `limit` data keys, that are under another key, under the key `sealed`; return how many.

        `wrap` returns the data key as it is then; it is called in a thread.
        """
        ...


class SealKey(Struct, frozen=True, kw_only=True):
    """A key of the store, wrapped by the root; `salt` is its passphrase's, `device` the machine it is bound to."""

    id: int
    wrapped: bytes
    salt: bytes
    device: bytes
    made: int


class SealKeys(Protocol):
    """A store of the keys under which data keys are."""

    async def keys(self) -> Sequence[SealKey]:
        """Return every key, the oldest first."""
        ...

    async def put(self, key: SealKey) -> SealKey:
        """Keep a key in the place of the one of its `id`, or a new one, where that is 0; return it with its number."""
        ...

    async def drop(self, key: int) -> None:
        """Forget a key; raise `StoreError` while a data key is under it."""
        ...


class Grant(Struct, frozen=True, kw_only=True):
    """A MAD may use the secrets of a tenant that fit `pattern`; by handles lent for `lease` milliseconds, if any."""

    tenant: str
    mad: str
    pattern: str
    lease: int | None = None


class Lease(Struct, frozen=True, kw_only=True):
    """A handle of one secret, lent to a MAD `until` then."""

    id: int
    tenant: str
    mad: str
    path: str
    until: int


class Grants(Protocol):
    """A store of who may use which secrets."""

    async def grants(self) -> Sequence[Grant]:
        """Return every grant, by tenant, MAD and pattern."""
        ...

    async def grant(self, grant: Grant) -> None:
        """Keep a grant, in the place of one for the same."""

    async def revoke(self, tenant: str, mad: str, pattern: str) -> bool:
        """Forget a grant; return whether there was one."""
        ...

    async def lend(self, lease: Lease, *, now: int) -> Lease:
        """Keep a lease; return it with its number. Those that had ended by `now` are forgotten."""
        ...

    async def lease(self, lease: int) -> Lease | None:
        """Return the lease of that number; None where there is none, or no longer."""
        ...
