"""The fingerprint of what a server says of a thing that it offers, by which a change is noticed, and shown."""

from __future__ import annotations

import difflib
import hashlib
import json

from mads.wire.tools import Definition

PINNED = (
    *("name", "title", "description", "inputSchema", "outputSchema", "annotations"),
    *("arguments", "uri", "uriTemplate"),
)
"""What of a definition tells a model what to do; icons and `_meta` do not."""


def digest(definition: Definition) -> str:
    """Return the SHA-256 of what is pinned, in one canonical form."""
    return hashlib.sha256(canonical(definition, indent=None).encode()).hexdigest()


def canonical(definition: Definition, indent: int | None = 2) -> str:
    """Return what is pinned as JSON, the same for the same; what is no plain character shows as an escape."""
    pinned = {key: definition.said[key] for key in PINNED if definition.said.get(key) is not None}
    return json.dumps(pinned, indent=indent, sort_keys=True)


def differing(before: Definition, after: Definition) -> str:
    """Return what has changed, as a unified diff."""
    lines = difflib.unified_diff(
        canonical(before).splitlines(), canonical(after).splitlines(), "approved", "now", lineterm="", n=1
    )
    return "\n".join(lines)
