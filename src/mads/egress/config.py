"""What `mads.toml` says of all that leaves, whoever sends it."""

from __future__ import annotations

import ssl
from pathlib import Path

from msgspec import Struct

from mads.wire.errors import ConfigError


class EgressConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`authorities` is a file of certificates, PEM, of those who are trusted instead of those whom everybody trusts."""

    authorities: str = ""


def authorities(root: Path, config: EgressConfig) -> str | None:
    """Return the file of those who are trusted, None for everybody's; raise `ConfigError` where it cannot be read."""
    if not config.authorities:
        return None
    file = root / config.authorities
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigError(f"mads.toml: [egress] authorities = {config.authorities!r} cannot be read: {error}") from None
    return str(file)
