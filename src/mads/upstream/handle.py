"""A handle says where a secret lies, so that the secret itself stands in no configuration, record or log.

`env:NAME` is a variable of the environment, `file:PATH` the first line of a file, `secret:PATH` a secret of the vault,
which only the core can ask. It is read when it is used.
"""

from __future__ import annotations

import os
from pathlib import Path

from mads.wire.errors import ConfigError

KINDS = ("env:", "file:")

SECRET = "secret:"  # noqa: S105  how a handle of one begins


def is_handle(written: str) -> bool:
    """Return whether `written` is a handle."""
    return written.startswith((*KINDS, SECRET)) and bool(written.partition(":")[2])


def resolved(handle: str, *, lines: bool = False) -> str:
    """Return the secret behind `handle`; raise `ConfigError`, which does not show it, where there is none.

    It has several `lines` where it is a key.
    """
    kind, _, where = handle.partition(":")
    if handle.startswith(SECRET):
        raise ConfigError(f"{handle!r} cannot stand here; write env:NAME or file:PATH")
    try:
        secret = os.environ.get(where, "") if kind == "env" else Path(where).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{handle!r} cannot be read: {type(error).__name__}") from None
    if not secret:
        write = f"set it before you start the system: export {where}=…" if kind == "env" else "write the secret into it"
        raise ConfigError(f"{handle!r} is empty; {write}")
    if not secret.isascii() or not (secret.replace("\n", "") if lines else secret).isprintable():
        raise ConfigError(f"{handle!r} holds more than one line of plain characters")
    return secret
