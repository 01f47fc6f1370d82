"""Who may use secrets, and what they lie under: for the operator alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from mads.author.secrets import GrantInfo, SealInfo
from mads.guard.principals import only_operator, theirs
from mads.host.secrets.desk import SHORTEST, checked, milliseconds
from mads.secrets.access import Access, Note
from mads.secrets.permits import Permits
from mads.secrets.roots.named import named
from mads.secrets.safe import Safe
from mads.secrets.seal import Seal
from mads.secrets.vault import StoredVault
from mads.store.secrets.port import Grant
from mads.wire.errors import ConfigError, Denied, InvalidMessage

SECRETS = "secrets"
"""What the audit calls all of them together."""


class Keeping:
    """The grants in `permits`, and the keys of `seal`, under which `safe` and `vault` are; `mads` are those there.

    A root that is a file is one in `folder`.
    """

    def __init__(
        self,
        safe: Safe,
        seal: Seal,
        permits: Permits,
        *,
        vault: StoredVault,
        note: Note,
        mads: Collection[str],
        folder: Path,
    ) -> None:
        self._safe, self._seal, self._permits, self._vault = safe, seal, permits, vault
        self._note, self._mads, self._folder = note, mads, folder

    async def grant(self, mad: str, pattern: str, *, lease: float | None, tenant: str) -> Sequence[GrantInfo]:
        """Let a MAD use the secrets that fit; return all that is granted then."""
        only_operator("grant secrets")
        if mad not in self._mads:
            raise InvalidMessage(f"there is no MAD {mad!r}; there is {', '.join(sorted(self._mads))}")
        lent = None if lease is None else milliseconds("lease", lease, least=SHORTEST)
        grant = Grant(tenant=checked(tenant), mad=mad, pattern=pattern, lease=lent)
        await self._permits.grant(grant)
        await self._noted(f"{pattern} granted to {mad}", grant.tenant)
        return self.granted()

    async def revoke(self, mad: str, pattern: str, *, tenant: str) -> Sequence[GrantInfo]:
        """Take that back; return all that is granted then."""
        only_operator("take secrets back")
        await self._permits.revoke(checked(tenant), mad, pattern)
        await self._noted(f"{pattern} taken back from {mad}", tenant)
        return self.granted()

    def granted(self) -> Sequence[GrantInfo]:
        """Return what is granted; to whoever is no operator, in its tenant."""
        return [
            GrantInfo(mad=it.mad, pattern=it.pattern, tenant=it.tenant, lease=(it.lease or 0) / 1000)
            for it in self._permits.all(theirs())
        ]

    def state(self) -> SealInfo:
        """Return whether the secrets are sealed."""
        return SealInfo(sealed=self._seal.is_sealed, passphrase=self._seal.asks, new=self._seal.is_new)

    async def seal(self) -> SealInfo:
        """Forget what opens the secrets, until somebody gives the passphrase."""
        only_operator("seal the secrets")
        self._seal.lock()
        self._vault.forget()
        await self._noted("sealed")
        return self.state()

    async def unseal(self, passphrase: str) -> SealInfo:
        """Open the secrets; raise `Denied` where that is not the passphrase, `InvalidMessage` where the root is not."""
        only_operator("unseal the secrets")
        try:
            await self._seal.unlock(passphrase)
        except Denied as error:
            await self._note(Access(path=SECRETS, tenant="", rule=f"to be unsealed: {error}", allowed=False))
            raise
        except ConfigError as error:
            raise InvalidMessage(str(error)) from None
        await self._noted("unsealed")
        await self._safe.settle()
        return self.state()

    async def renew(self, passphrase: str, root: str = "") -> int:
        """Put every secret under a new key, and that under `root` if one is named, while they are in use."""
        only_operator("rotate the root")
        await self._noted(f"to be put under a new key{root and f', under {root}'}")
        try:
            return await self._safe.renew(passphrase, named(root, self._folder) if root else None)
        except ConfigError as error:
            raise InvalidMessage(str(error)) from None

    async def _noted(self, rule: str, tenant: str = "") -> None:
        await self._note(Access(path=SECRETS, tenant=tenant, rule=rule))
