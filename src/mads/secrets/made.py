"""A file of 32 random bytes: made where there is none yet, for its owner alone, whoever else makes it meanwhile."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from mads.wire.errors import ConfigError

SIZE = 32


def made_once(path: Path) -> bytes:
    """Return the bytes in the file at `path`, which is made where there is none; raise `ConfigError`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; see that its folder can be written") from error
    if len(key) != SIZE:
        raise ConfigError(f"{path} has {len(key)} bytes and not {SIZE}; put a copy of it back")
    return key


def _make(path: Path) -> None:
    """Make the file whole or not at all: under its own name there is never a part of it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as made:
            made.write(secrets.token_bytes(SIZE))
            made.flush()
            os.fsync(made.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
