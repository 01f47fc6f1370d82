"""The port of what stands at the root: it wraps the keys of a store that holds nothing to unwrap them with."""

from __future__ import annotations

import asyncio
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mads.secrets.envelope import Changed, opened, sealed
from mads.wire.errors import ConfigError

_ABOUT = b"mads root"


class Root(Protocol):
    """Wraps keys; whatever it cannot do it says by a `ConfigError`, with what to write."""

    async def wrap(self, key: bytes) -> bytes:
        """Return `key`, wrapped."""
        ...

    async def unwrap(self, wrapped: bytes) -> bytes:
        """Return the key that was wrapped."""
        ...


class Source(Protocol):
    """Where a key of 32 bytes lies."""

    def read(self, *, make: bool) -> bytes:
        """Return it; where there is none, `make` one if that can be, else raise `ConfigError`. May block."""
        ...


class ReadRoot:
    """A root whose key is read where it is used, from `source`, and held no longer; `name` is that of `mads.toml`."""

    def __init__(self, name: str, source: Source) -> None:
        self._name, self._source = name, source

    async def wrap(self, key: bytes) -> bytes:
        """Return `key`, wrapped."""
        return sealed(AESGCM(await asyncio.to_thread(self._source.read, make=True)), key, _ABOUT)

    async def unwrap(self, wrapped: bytes) -> bytes:
        """Return the key that was wrapped."""
        key = await asyncio.to_thread(self._source.read, make=False)
        try:
            return bytes(opened(AESGCM(key), wrapped, _ABOUT))
        except Changed:
            raise ConfigError(
                f"[secrets] root = {self._name!r}: that is not the key under which the secrets lie; write the root to "
                "which they were rotated last, or put its key back"
            ) from None
