"""Secrets by tenant, path and version: put in as envelopes, taken out open for as long as it takes to use one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mads.secrets.envelope import Changed, disclosed, enclosed, rewrapped
from mads.secrets.root import Root
from mads.secrets.seal import Seal
from mads.store.secrets.port import Envelope, Envelopes
from mads.wire.errors import InvalidMessage, StoreError

HELD = 10_000
"""How many envelopes are held in memory, as they lie on disk, so that a read need not wait for it."""

LARGEST = 65_536
"""Bytes that a secret may have."""

BATCH = 2_000
"""How many data keys are wrapped anew in one transaction: others write in between."""

FOREVER = 2**62


class About(Struct, frozen=True, kw_only=True):
    """What is said of a secret that is put in: where it may go, until when it is worth anything, and its marks."""

    hosts: tuple[str, ...] = ()
    expires: int | None = None
    marks: bytes = b""


class Safe:
    """The envelopes in `store`, under the keys of `seal`; `now` tells milliseconds since 1970."""

    def __init__(self, store: Envelopes, seal: Seal, now: Callable[[], int]) -> None:
        self._store, self._seal, self._now = store, seal, now
        self._held: dict[tuple[str, str, int | None], Envelope] = {}
        self._changes = 0
        self._renewing = asyncio.Lock()

    async def find(self, tenant: str, path: str, version: int | None = None) -> Envelope:
        """Return an envelope that is good now; raise `InvalidMessage` where there is none."""
        wanted = (tenant, path, version)
        found = self._held.get(wanted)
        if found is None:
            changes = self._changes
            (found,) = await self._store.find((wanted,))
            if found is not None and changes == self._changes:
                self._hold(wanted, found)
        if found is None or not found.wrapped:
            which, own = (
                "" if version is None else f" of version {version}",
                "" if tenant == "default" else f" --tenant {tenant}",
            )
            raise InvalidMessage(f"there is no secret {path!r}{which}; write it: mads secret set {path}{own}")
        self._refuse_ended(found)
        return found

    async def newest(self, tenant: str, path: str) -> Envelope | None:
        """Return the newest version, whether it is good or has expired; None where there is none."""
        (found,) = await self._store.find(((tenant, path, None),))
        return found if found is not None and found.wrapped else None

    async def opened(self, envelope: Envelope) -> bytearray:
        """Return the secret in an envelope that was found, in a buffer to overwrite after use."""
        key = self._seal.key(envelope.sealed)
        if key is None:  # the root was renewed since it was found
            self._held.clear()
            envelope = await self.find(envelope.tenant, envelope.path, envelope.version)
            key = self._seal.key(envelope.sealed)
        try:
            if key is not None:
                return disclosed(key, envelope.wrapped, envelope.body, _about(envelope))
        except Changed:
            pass
        raise _changed(envelope)

    async def put(
        self, tenant: str, path: str, value: bytes, about: About, *, expect: int | None = None, grace: int = 0
    ) -> Envelope:
        """Keep the next version; the one before is good for `grace` milliseconds more.

        Raises `InvalidMessage` where the newest version is not `expect`; 0 is that there is none.
        """
        if not 0 < len(value) <= LARGEST:
            raise InvalidMessage(f"a secret has 1 to {LARGEST} bytes, and this one {len(value)}")
        while True:
            (newest,) = await self._store.find(((tenant, path, None),))
            version, gone = (newest.version, not newest.wrapped) if newest else (0, True)
            if expect is not None and expect != (0 if gone else version):
                there = "there is none" if gone else f"its newest version is {version}"
                raise InvalidMessage(f"{path!r} was to be at version {expect}, and {there}; look at it and try again")
            envelope = await self.enclosed(tenant, path, version + 1, value, about)
            now = self._now()
            if await self._store.add(envelope, ends=now + grace, now=now):
                self._forget(tenant, path)
                return envelope

    async def drop(self, tenant: str, path: str) -> None:
        """Forget a secret, every version of it; raise `InvalidMessage` where there is none."""
        dropped = await self._store.drop(tenant, path, now=self._now())
        self._forget(tenant, path)
        if not dropped:
            raise InvalidMessage(f"there is no secret {path!r}; mads secret list shows those that there are")

    async def take(self, tenant: str, path: str) -> bytearray | None:
        """Return a secret and forget that it ever was; None where there is none, or no longer."""
        self._seal.key(0)
        envelope = await self._store.take(tenant, path)
        self._forget(tenant, path)
        if envelope is None or (envelope.expires is not None and envelope.expires <= self._now()):
            return None
        return await self.opened(envelope)

    async def listed(self, *, older: bool = False) -> Sequence[Envelope]:
        """Return the newest version of each secret, or every one that is kept, without what is in it."""
        return await self._store.listed(older=older)

    async def renew(self, passphrase: str, root: Root | None = None) -> int:
        """Wrap every data key anew, under a new key, and that by `root` if one is given, while all go on.

        Return how many. Of those who ask for it at once, one comes after the other.
        """
        async with self._renewing:
            return await self._settled(await self._seal.renew(passphrase, root))

    async def settle(self) -> int:
        """Wrap what is not yet under the newest key, as after a crash in the middle; return how many that were."""
        async with self._renewing:
            number, _ = await self._seal.current()
            return await self._settled(number)

    async def _settled(self, number: int) -> int:
        new, count = self._seal.key(number), 0
        assert new is not None
        key = self._seal.key

        def wrap(envelope: Envelope) -> bytes:
            old = key(envelope.sealed)
            assert old is not None
            try:
                return rewrapped(old, new, envelope.wrapped, _about(envelope))
            except Changed:  # it opens under no key, and keeps none of the others from the new one
                return envelope.wrapped

        while done := await self._store.rewrap(number, wrap, BATCH):
            count += done
        self._changes += 1
        self._held.clear()
        await self._seal.retire()
        return count

    async def enclosed(self, tenant: str, path: str, version: int, value: bytes, about: About) -> Envelope:
        """Return a secret in an envelope, which is not kept."""
        number, key = await self._seal.current()
        draft = Envelope(
            tenant=tenant,
            path=path,
            version=version,
            sealed=number,
            wrapped=b"",
            body=b"",
            made=self._now(),
            expires=about.expires,
            hosts=about.hosts,
            marks=about.marks,
        )
        wrapped, body = enclosed(key, value, _about(draft))
        return replace(draft, wrapped=wrapped, body=body)

    def _refuse_ended(self, envelope: Envelope) -> None:
        now, path = self._now(), envelope.path
        if envelope.ends is not None and envelope.ends <= now:
            raise InvalidMessage(f"version {envelope.version} of {path!r} was replaced, and its grace is over")
        if envelope.expires is not None and envelope.expires <= now:
            raise InvalidMessage(f"the secret {path!r} has expired; write a new one: mads secret rotate {path}")

    def _hold(self, wanted: tuple[str, str, int | None], envelope: Envelope) -> None:
        if len(self._held) >= HELD:
            self._held.pop(next(iter(self._held)))
        self._held[wanted] = envelope

    def _forget(self, tenant: str, path: str) -> None:
        """Hold no version of a secret any more: one was added, or all were dropped."""
        self._changes += 1
        for wanted in [it for it in self._held if it[:2] == (tenant, path)]:
            del self._held[wanted]


def _changed(it: Envelope) -> StoreError:
    return StoreError(
        f"the secret {it.path!r} of version {it.version} was changed on disk, and does not open; "
        f"put back a copy of the store, or write it anew: mads secret set {it.path}"
    )


def _about(envelope: Envelope) -> bytes:
    """Return what is bound into an envelope: whose it is, what it is called, and what must not be widened on disk."""
    it = envelope
    return f"{it.tenant}|{it.path}|{it.version}|{it.expires or ''}|{' '.join(it.hosts)}".encode()
