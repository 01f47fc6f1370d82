"""Which root is meant by a word of `mads.toml`."""

from __future__ import annotations

from pathlib import Path

from mads.secrets.root import ReadRoot, Root
from mads.secrets.roots.command import CommandRoot
from mads.secrets.roots.sources import EnvironmentSource, FileSource, KeyringSource
from mads.wire.errors import ConfigError


def named(written: str, folder: Path) -> Root:
    """Return the root that `written` means, a file in `folder` where it has no folder of its own."""
    kind, _, where = written.partition(":")
    match kind, where.partition("/"):
        case _ if not where:
            pass
        case "file", _:
            return ReadRoot(written, FileSource(folder / where))
        case "env", _:
            return ReadRoot(written, EnvironmentSource(where))
        case "keyring", (service, "/", name) if service and name:
            return ReadRoot(written, KeyringSource(service, name))
        case "command", _:
            return CommandRoot(where)
        case "transit", _:
            from mads.secrets.roots.transit import TransitRoot  # noqa: PLC0415  a client of HTTP is slow to import

            return TransitRoot(where)
        case _:
            pass
    raise ConfigError(
        f"[secrets] root = {written!r}: write file:PATH, env:NAME, keyring:SERVICE/NAME, command:WORDS or "
        "transit:ADDRESS/ENGINE/KEY"
    )
