"""The need `Credentials`: a MAD that stands for an MCP server shows it a secret, as the vault lets it."""

from __future__ import annotations

from mads.author.vault import Vault
from mads.egress.grants import is_inward
from mads.egress.target import target
from mads.secrets.envelope import wipe
from mads.secrets.paths import PROCESS
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.secret import SecretRef

TENANT = "default"
"""Whose secrets those are that are named in mads.toml: the operator's."""


class HostCredentials:
    """The secrets that `mad` shows to its server."""

    def __init__(self, vault: Vault, mad: str) -> None:
        self._vault, self._mad = vault, mad

    async def __call__(self, path: str, url: str) -> str:
        """Return the secret at `path`; who it is for is told by the call that is being handled."""
        to = target(url) if url else None
        if to is not None and to.scheme != "https" and not is_inward(to.host):
            raise Denied(f"a secret goes to {to.host} through https only; write its address with https://")
        host = to.door if to is not None else PROCESS
        secret = await self._vault.resolve(SecretRef(path), mad=self._mad, principal="", tenant=TENANT, host=host)
        try:
            shown = secret.decode("latin-1")
        finally:
            wipe(secret)
        if not (shown.isascii() and shown.isprintable()):
            raise InvalidMessage(
                f"the secret {path!r} holds more than one line of plain characters; write it anew: "
                f"mads secret set {path} --host {host}"
            )
        return shown
