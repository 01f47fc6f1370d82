"""The port behind which secrets lie: what brings one to where it is used, and what knows one when it sees it."""

from collections.abc import Sequence
from typing import Protocol

from mads.wire.secret import SecretRef


class Fingerprints(Protocol):
    """Knows secrets without knowing what they are: keyed marks, which say nothing to whoever has not the key."""

    def found(self, body: bytes) -> Sequence[str]:
        """Return the paths of secrets that are in `body`, as they are or in a common encoding, a tenant before each.

        What is shorter than 8 bytes is not known again.
        """
        ...


class Vault(Protocol):
    """Where secrets are resolved, in the core process and nowhere else."""

    async def resolve(self, ref: SecretRef, *, mad: str, principal: str, tenant: str, host: str) -> bytearray:
        """Return the secret behind `ref` within its shape, for `mad` to send to `host`; overwrite it after use.

        That it was is on disk before the answer. Raises `Denied` where the MAD was not granted it, the secret may not
        go to that host, its lease or its time is over, or the vault is sealed; `InvalidMessage` where there is none.
        """
        ...

    async def fingerprints(self) -> Fingerprints:
        """Return what knows the secrets that there are now; raise `Denied` where the vault is sealed."""
        ...
