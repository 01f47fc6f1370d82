"""What `mads.toml` says of all that leaves, whoever sends it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from mads.wire.errors import ConfigError

Mode = Literal["block", "mask", "pass"]


class Outgoing(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a request in which there are `secrets`, or `personal` data: block, mask or pass.

    Personal data are e-mail addresses, numbers of cards, accounts (IBAN), phones and social security, IP addresses.
    """

    secrets: Mode = "block"
    personal: Mode = "pass"


class EgressConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`authorities` is a file of certificates, PEM, of those who are trusted instead of those whom everybody trusts.

    `sockets` is what `mads check` does where a MAD's code connects by itself: refuse it, tell of it, or allow it.
    """

    authorities: str = ""
    sockets: Literal["refuse", "tell", "allow"] = "refuse"


def authorities(root: Path, config: EgressConfig) -> str | None:
    """Return the file of those who are trusted, None for everybody's; raise `ConfigError` where it cannot be read."""
    if not config.authorities:
        return None
    import ssl  # noqa: PLC0415  slow to import, and not for every command

    file = root / config.authorities
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigError(f"mads.toml: [egress] authorities = {config.authorities!r} cannot be read: {error}") from None
    return str(file)
