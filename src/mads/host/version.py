"""Which code a MAD is: what the record and the journal of steps call its version."""

from __future__ import annotations

import inspect
from hashlib import sha256
from typing import Any


def version_of(cls: type[Any]) -> str:
    """Return 12 hex digits that change with the source of the module of `cls`; "" where there is no source. Blocks."""
    try:
        return sha256(inspect.getsource(inspect.getmodule(cls) or cls).encode()).hexdigest()[:12]
    except (OSError, TypeError):
        return ""
