"""The table `[secrets]` of `mads.toml`: what secrets lie under."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

ROOT = r"^(file:.+|env:\w+|keyring:[^/]+/.+|command:.+|transit:https?://.+/.+/.+)$"
WRITE_ROOT = {
    ROOT: "write file:PATH, env:NAME, keyring:SERVICE/NAME, command:WORDS or transit:ADDRESS/ENGINE/KEY, as in "
    '"transit:https://bao.example.org:8200/transit/mads"'
}


class SecretsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The `root` that wraps all keys, whether they are `sealed` until somebody gives the passphrase.

    `bound` is whether they open on this machine only.
    """

    root: Annotated[str, Meta(pattern=ROOT)] = "file:.mads/root.key"
    sealed: bool = False
    bound: bool = True
