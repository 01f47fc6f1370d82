"""What this machine, and this user on it, are known by: what a store is bound to, so that a copy opens nowhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from mads.secrets.made import made_once

MACHINE = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
"""Where Linux says which installation it is."""


def home() -> Path:
    """Return the folder of what mads keeps for this user and machine, apart from any project."""
    own = os.environ.get("XDG_CONFIG_HOME")
    return (Path(own) if own else Path.home() / ".config") / "mads"


def device(folder: Path, machine: Sequence[Path] = MACHINE) -> bytes:
    """Return what binds to this machine: a key that lies in `folder`, made once, and the id of the installation."""
    key = made_once(folder / "device.key")
    told = next((path.read_bytes().strip() for path in machine if path.is_file()), b"")
    return blake2b(told, key=key, person=b"mads device").digest()


def tag(device: bytes) -> bytes:
    """Return what tells one machine from another, and nothing that binds to it."""
    return blake2b(device, digest_size=16, person=b"mads tag").digest()
