"""The keys under which data keys are, while the store is open: wrapped by the root, a passphrase and the machine.

What is wrapped by the root is sealed once more, under a key of the machine's identity and of the passphrase, so that
neither the root nor a copy of the store opens it alone.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from mads.secrets.device import tag
from mads.secrets.envelope import KEY, Changed, opened, sealed, wipe
from mads.secrets.root import Root
from mads.store.secrets.port import SealKey, SealKeys
from mads.wire.errors import Denied, InvalidMessage

SHORTEST = 12
"""Characters that a passphrase has at least."""

_ABOUT = b"mads seal"

SEALED = "the secrets are sealed; whoever has the passphrase writes: mads secret unseal"
ELSEWHERE = (
    "these secrets were sealed on another machine, and a copy does not open here; open them there, and to take them "
    "along write there in mads.toml, before you copy: [secrets] bound = false"
)


class Terms(Struct, frozen=True, kw_only=True):
    """What it takes to open a store: a passphrase where it `asks`, and to be the machine where it is `bound` to one.

    A guess at the passphrase costs, by Argon2id, so many KiB of `memory`, `times` over it.
    """

    asks: bool = False
    bound: bool = True
    memory: int = 65536
    times: int = 3


class Seal:
    """The keys in `keys`, wrapped by `root`; `device` tells what this machine is known by, `now` milliseconds."""

    def __init__(
        self, keys: SealKeys, root: Root, device: Callable[[], bytes], terms: Terms, now: Callable[[], int]
    ) -> None:
        self._store, self._root, self._device, self._terms, self._now = keys, root, device, terms, now
        self._asks = terms.asks
        self._rows: Sequence[SealKey] = ()
        self._open: dict[int, AESGCM] = {}
        self._making = asyncio.Lock()

    @property
    def is_sealed(self) -> bool:
        """Whether nothing opens before somebody gives the passphrase."""
        return not self._open and (self._asks or bool(self._rows))

    @property
    def asks(self) -> bool:
        """Whether it takes a passphrase to open the secrets, or to renew what they are under."""
        return self._asks or any(row.salt for row in self._rows)

    @property
    def is_used(self) -> bool:
        """Whether anything may be under these keys."""
        return bool(self._rows)

    @property
    def is_new(self) -> bool:
        """Whether the passphrase that is given next is the one to give from then on."""
        return self._asks and not any(row.salt for row in self._rows)

    async def open(self) -> None:
        """Know the keys, and open them where that takes no passphrase."""
        self._rows = await self._store.keys()
        if self._rows and not self._asks and not any(row.salt for row in self._rows):
            await self.unlock("")

    async def unlock(self, passphrase: str) -> None:
        """Open every key; raise `Denied` where it is not the passphrase, or another machine."""
        if self._asks and self.is_new and len(passphrase) < SHORTEST:
            raise InvalidMessage(f"a passphrase of {len(passphrase)} characters is too short; take {SHORTEST} or more")
        async with self._making:
            opened = {row.id: await self._unwrapped(row, passphrase) for row in self._rows}
            for row in self._rows:
                if (bool(row.device), bool(row.salt)) != (self._terms.bound, self._asks):
                    await self._store.put(await self._wrapped(row.id, opened[row.id], passphrase, row.made))
            self._rows = await self._store.keys()
            self._hold(opened)
            if self._asks and not self._rows:
                await self._make(passphrase)

    def lock(self) -> None:
        """Forget every key, until somebody gives the passphrase."""
        self._open.clear()

    async def current(self) -> tuple[int, AESGCM]:
        """Return the newest key and its number; the first one is made here. Raises `Denied` while sealed."""
        if self._open:
            return next(reversed(self._open.items()))
        async with self._making:
            if self.is_sealed:
                raise Denied(SEALED)
            if not self._open:
                await self._make("")
        return await self.current()

    def key(self, number: int) -> AESGCM | None:
        """Return a key by its number; None where there is none any more. Raises `Denied` while sealed."""
        if self.is_sealed:
            raise Denied(SEALED)
        return self._open.get(number)

    async def renew(self, passphrase: str, root: Root | None = None) -> int:
        """Make a new key, under which all that is sealed from now on is; return its number.

        Where a `root` is given, it wraps that key and all from then on. What it wraps it is seen to unwrap first.
        """
        async with self._making:
            if self.is_sealed:
                raise Denied(SEALED)
            if any(row.salt for row in self._rows):
                await self._unwrapped(self._rows[-1], passphrase)
            if root is not None:
                await self._move(root, passphrase)
            return await self._make(passphrase)

    async def retire(self) -> None:
        """Forget every key but the newest; raise `StoreError` while something is under one of them."""
        for row in self._rows[:-1]:
            await self._store.drop(row.id)
            self._open.pop(row.id, None)
        self._rows = self._rows[-1:]

    async def _move(self, root: Root, passphrase: str) -> None:
        """Put the keys that there are under another root; those who read go on by what is open."""
        keys = [(row, await self._unwrapped(row, passphrase)) for row in self._rows]
        before, self._root = self._root, root
        try:
            wrapped = [await self._wrapped(row.id, key, passphrase, row.made) for row, key in keys]
            for row in wrapped:
                wipe(await self._unwrapped(row, passphrase))
        except BaseException:
            self._root = before
            raise
        for row in wrapped:
            await self._store.put(row)
        self._rows = await self._store.keys()
        for _, key in keys:
            wipe(key)

    async def _make(self, passphrase: str) -> int:
        key = bytearray(os.urandom(KEY))
        row = await self._store.put(await self._wrapped(0, key, passphrase, self._now()))
        self._rows = [*self._rows, row]
        self._hold({row.id: key})
        return row.id

    def _hold(self, keys: dict[int, bytearray]) -> None:
        """Hold `keys` from now on; a process that does leaves no dump of its memory."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        for number, key in keys.items():
            self._open[number] = AESGCM(key)
            wipe(key)

    async def _wrapped(self, number: int, key: bytearray, passphrase: str, made: int) -> SealKey:
        salt = os.urandom(16) if self._asks else b""
        device = await asyncio.to_thread(self._device) if self._terms.bound else b""
        lock = await self._lock(device, passphrase, salt)
        wrapped = await self._root.wrap(sealed(lock, key, _ABOUT))
        return SealKey(id=number, wrapped=wrapped, salt=salt, device=device and tag(device), made=made)

    async def _unwrapped(self, row: SealKey, passphrase: str) -> bytearray:
        device = await asyncio.to_thread(self._device) if row.device else b""
        if row.device and row.device != tag(device):
            raise Denied(ELSEWHERE)
        lock = await self._lock(device, passphrase, row.salt)
        try:
            return opened(lock, await self._root.unwrap(row.wrapped), _ABOUT)
        except Changed:
            raise Denied("that is not the passphrase" if row.salt else "the key of the secrets was changed") from None

    async def _lock(self, device: bytes, passphrase: str, salt: bytes) -> AESGCM:
        stretched = await asyncio.to_thread(self._stretched, passphrase, salt) if salt else b""
        return AESGCM(HKDF(SHA256(), KEY, salt=None, info=_ABOUT).derive(device + stretched))

    def _stretched(self, passphrase: str, salt: bytes) -> bytes:
        terms = self._terms
        kdf = Argon2id(salt=salt, length=KEY, iterations=terms.times, lanes=4, memory_cost=terms.memory)
        return kdf.derive(passphrase.encode())
