"""Which root is meant by a word of `mads.toml`."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from urllib.parse import unquote

from mads.secrets.root import ReadRoot, Root
from mads.secrets.roots.command import CommandRoot
from mads.secrets.roots.sources import EnvironmentSource, FileSource, KeyringSource
from mads.wire.errors import ConfigError

PKCS11 = r"token=([^;?]+);object=([^;?]+)\?module-path=(.+)"
"""Where a key in hardware is, as RFC 7512 writes it."""

WRITE = (
    "write file:PATH, env:NAME, keyring:SERVICE/NAME, command:WORDS, transit:ADDRESS/ENGINE/KEY or "
    "pkcs11:token=NAME;object=NAME?module-path=PATH"
)


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
            return CommandRoot(_words(where), f"the command {where!r}", "try it by hand")
        case "pkcs11", _ if found := re.fullmatch(PKCS11, where):
            token, key, module = map(unquote, found.groups())
            words = [sys.executable, "-m", "mads.secrets.roots.token", module, token, key]
            return CommandRoot(words, f"the process for the token {token!r}", f"its module is {module}")
        case "transit", _:
            from mads.secrets.roots.transit import TransitRoot  # noqa: PLC0415  a client of HTTP is slow to import

            return TransitRoot(where)
        case _:
            pass
    raise ConfigError(f"[secrets] root = {written!r}: {WRITE}")


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"[secrets] root: the command {command!r} is no line of a shell ({error}); mend it") from None
