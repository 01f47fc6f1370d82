"""Copies of what was fetched: what is fresh is not asked for again, and what has not changed is not sent again."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

MOST = 200_000_000
"""Bytes that all copies may take; those that were used longest ago give way."""

_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


class Copy(Struct, frozen=True):
    """An answer as its server told it, until when it is fresh, and by what that tells whether it has changed."""

    url: str
    status: int
    told: str
    charset: str
    body: bytes
    fresh_until: float
    etag: str = ""
    modified: str = ""

    def asks(self) -> dict[str, str]:
        """Return the headers by which a server says only what has changed."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in named.items() if value}


def found(folder: str, key: str) -> Copy | None:
    """Return the copy that is kept under `key`."""
    path = _path(folder, key)
    with suppress(OSError, msgspec.MsgspecError):
        copy = msgspec.msgpack.decode(path.read_bytes(), type=Copy)
        os.utime(path)
        return copy
    return None


def keep(folder: str, key: str, copy: Copy) -> None:
    """Keep `copy` under `key`, in the place of any other."""
    path = _path(folder, key)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = path.with_suffix(f".{os.getpid()}")
    written.write_bytes(msgspec.msgpack.encode(copy))
    written.replace(path)
    kept = [(entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(path.parent)]
    taken = sum(size for _, size, _ in kept)
    for _, size, oldest in sorted(kept):
        if taken <= MOST:
            break
        with suppress(FileNotFoundError):
            Path(oldest).unlink()
        taken -= size


def lifetime(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds an answer is fresh; None where it is not to be kept."""
    said = headers.get("cache-control", "").lower()
    if "no-store" in said:
        return None
    age = _AGE.search(said)
    return float(age[1]) if age and "no-cache" not in said else 0.0


def _path(folder: str, key: str) -> Path:
    return Path(folder) / "copies" / f"{hashlib.sha256(key.encode()).hexdigest()}.msgpack"
