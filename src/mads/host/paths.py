"""Where a system keeps its files, and where it is to be found while it runs."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def data_folder(root: Path) -> Path:
    """Return the folder of what the system in `root` keeps; it may not exist yet."""
    return root / ".mads"


def socket_path(root: Path) -> Path:
    """Return the path of the Unix socket of the system in `root`.

    It depends on the folder alone, so that every command finds it, and is short, because such paths may have about 100
    bytes.
    """
    own = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(own) / "mads" if own else Path(tempfile.gettempdir()) / f"mads-{os.getuid()}"
    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return folder / f"{name}.sock"
