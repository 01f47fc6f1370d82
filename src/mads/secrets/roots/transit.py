"""A root on a server: the transit engine of OpenBao or Vault wraps, and its key never leaves it."""

from __future__ import annotations

import base64
import os
from typing import Any
from urllib.parse import urlsplit

import httpx2

from mads.wire.errors import ConfigError

PATIENCE = 10.0
"""Seconds that the server may take."""

TOKENS = ("BAO_TOKEN", "VAULT_TOKEN")
"""The variables of the environment in which its clients look for their token, and so does this."""

_GOOD = 200


class TransitRoot:
    """The key that lies behind `address`: http://127.0.0.1:8200/transit/mads is the key mads of the engine transit."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        engine, _, key = parts.path.strip("/").rpartition("/")
        if parts.scheme not in ("http", "https") or not parts.netloc or not engine or not key:
            raise ConfigError(
                f"[secrets] root: {address!r} is no key of a transit engine; "
                "write it as in transit:https://bao.example.org:8200/transit/mads"
            )
        self._base, self._engine, self._key = f"{parts.scheme}://{parts.netloc}/v1", engine, key

    async def wrap(self, key: bytes) -> bytes:
        """Return `key`, wrapped."""
        told = await self._ask("encrypt", {"plaintext": base64.b64encode(key).decode()})
        return str(told["ciphertext"]).encode()

    async def unwrap(self, wrapped: bytes) -> bytes:
        """Return the key that was wrapped."""
        told = await self._ask("decrypt", {"ciphertext": wrapped.decode(errors="replace")})
        return base64.b64decode(told["plaintext"])

    async def _ask(self, verb: str, body: dict[str, str]) -> dict[str, Any]:
        token = next((os.environ[name] for name in TOKENS if os.environ.get(name)), "")
        if not token:
            raise self._wrong("wants a token", f"set {TOKENS[0]} before the system starts")
        address = f"{self._base}/{self._engine}/{verb}/{self._key}"
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
                answer = await client.post(address, json=body, headers={"X-Vault-Token": token})
            said: Any = answer.json()
            if answer.status_code == _GOOD:
                found: dict[str, Any] = said["data"]
                return found
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            raise self._wrong(f"does not answer ({type(error).__name__})", "see that it runs") from error
        raise self._wrong(f"refuses to {verb}: {said.get('errors')!r:.200}", "see to its key, and what the token may")

    def _wrong(self, what: str, write: str) -> ConfigError:
        return ConfigError(f"[secrets] root: the server at {self._base} {what}; {write}")
