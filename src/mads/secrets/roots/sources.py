"""A root key in a file, in the environment, or in the keyring of the operating system."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Any

from mads.secrets.made import SIZE, made_once
from mads.wire.errors import ConfigError

WRITE = "32 bytes in base64, as of: openssl rand -base64 32"


class FileSource:
    """A file of 32 bytes, made with the first secret."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, *, make: bool) -> bytes:
        """Return the key."""
        if not make and not self._path.exists():
            raise ConfigError(f"[secrets] root: {self._path} is missing, and without it no secret opens; put it back")
        return made_once(self._path)


class EnvironmentSource:
    """A variable of the environment, set before the system starts."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, *, make: bool) -> bytes:
        """Return the key."""
        del make
        if not (written := os.environ.get(self._name, "")):
            raise ConfigError(f"[secrets] root: ${self._name} is not set; set it to {WRITE}")
        return _decoded(written, f"${self._name}")


class KeyringSource:
    """An entry of the keyring, made with the first secret: of the `service`, by `name`."""

    def __init__(self, service: str, name: str) -> None:
        self._service, self._name = service, name

    def read(self, *, make: bool) -> bytes:
        """Return the key."""
        try:
            import keyring  # noqa: PLC0415  optional
            from keyring.errors import KeyringError  # noqa: PLC0415  optional
        except ImportError:
            raise ConfigError("[secrets] root: the keyring needs a library; pip install 'mads[keyring]'") from None
        try:
            written: Any = keyring.get_password(self._service, self._name)
            if written is None and make:
                written = base64.b64encode(secrets.token_bytes(SIZE)).decode()
                keyring.set_password(self._service, self._name, written)
        except KeyringError as error:
            raise ConfigError(f"[secrets] root: the keyring refuses: {error}; unlock it, or take a file") from error
        if written is None:
            raise ConfigError(f"[secrets] root: the keyring has no {self._name!r} of {self._service!r}; put it back")
        return _decoded(written, f"the keyring's {self._name!r}")


def _decoded(written: str, what: str) -> bytes:
    try:
        key = base64.b64decode(written, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != SIZE:
        raise ConfigError(f"[secrets] root: {what} is no key; write {WRITE}")
    return key
