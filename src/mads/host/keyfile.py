"""A key of this system in a file that only its user can read, made where there is none yet."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

SIZE = 32
"""Bytes of a key."""


def own_key(path: Path) -> bytes:
    """Return the key in the file `path`."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(file, "wb") as made:
        made.write(secrets.token_bytes(SIZE))
        made.flush()
        os.fsync(made.fileno())
    return path.read_bytes()
