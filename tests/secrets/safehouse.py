"""A vault over twins in memory, with a clock that is turned by hand and an audit that is read."""

from __future__ import annotations

import os

from mads.secrets.access import Access
from mads.secrets.permits import Permits
from mads.secrets.root import ReadRoot, Root
from mads.secrets.safe import Safe
from mads.secrets.seal import Seal, Terms
from mads.secrets.vault import StoredVault
from mads.store.secrets.memory import MemorySealKeys, MemorySecretGrants, MemorySecrets

NOW = 1_800_000_000_000
QUICK = Terms(asks=True, memory=64, times=1)
"""A passphrase at which a guess costs nothing, for tests that make some."""


class HeldSource:
    """A root key that is simply there."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def read(self, *, make: bool) -> bytes:
        """Return the key."""
        del make
        return self._key


class Safehouse:
    """What lies on disk, and one vault after the other over it: `opened` makes the next."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.store, self.grants = MemorySecrets(), MemorySecretGrants()
        self.keys = MemorySealKeys(self.store)
        self.root: Root = ReadRoot("a test's", HeldSource())
        self.device, self.terms, self.now = b"this machine" * 5, terms or Terms(), NOW
        self.noted: list[Access] = []

    async def opened(self) -> StoredVault:
        """Return a vault that knows what is on disk, and no more."""
        self.seal = Seal(self.keys, self.root, lambda: self.device, self.terms, self.clock)
        await self.seal.open()
        self.safe, self.permits = Safe(self.store, self.seal, self.clock), Permits(self.grants, self.clock)
        await self.permits.open()
        return StoredVault(self.safe, self.permits, self.note)

    def clock(self) -> int:
        """Return the time."""
        return self.now

    async def note(self, access: Access) -> None:
        """Remember an access."""
        self.noted.append(access)
