"""The table `[secrets]` of `mads.toml`: what secrets lie under."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mads.secrets.roots.named import PKCS11, WRITE

ROOT = rf"^(file:.+|env:\w+|keyring:[^/]+/.+|command:.+|transit:https?://.+/.+/.+|pkcs11:{PKCS11})$"
WRITE_ROOT = {ROOT: f'{WRITE}, as in "transit:https://bao.example.org:8200/transit/mads"'}


class SecretsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The `root` that wraps all keys, whether they are `sealed` until somebody gives the passphrase.

    `bound` is whether they open on this machine only.
    """

    root: Annotated[str, Meta(pattern=ROOT)] = "file:.mads/root.key"
    sealed: bool = False
    bound: bool = True
