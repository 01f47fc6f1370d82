"""Turing keeps the secrets: whoever works with one gets a handle, and what it is for is said before it is written."""

from __future__ import annotations

from mads import Emit, SecretRef, Sensitive, mad, message, tool
from mads.author.secrets import GrantInfo, Revealed, SealInfo, SecretInfo, SecretsKeeping, SecretsOffice, Wrapped


@message(name="turing.SecretRotated")
class SecretRotated:
    """A secret has a new version; the one before is good for `grace` seconds more."""

    path: str
    version: int
    grace: float


@message(name="turing.RootRotated")
class RootRotated:
    """So many secrets are under a new key, and that is under the root `to`, if it was to be another."""

    secrets: int
    to: str


@mad
class Turing:
    """You keep the secrets: you hand out handles, and show nobody what is behind one who does not have to see it."""

    office: SecretsOffice
    keeping: SecretsKeeping
    emit: Emit

    @tool(read_only=True)
    async def get_secret(self, path: str, version: int | None = None) -> SecretRef:
        """Return a handle of a secret, which is put in where a request is sent; a MAD gets those it was granted."""
        return await self.office.handle(path, version=version)

    @tool(destructive=True)
    async def set_secret(
        self,
        path: str,
        value: Sensitive[str],
        hosts: list[str] | None = None,
        *,
        lasts: float | None = None,
        grace: float = 0.0,
        expect: int | None = None,
        tenant: str = "",
    ) -> SecretInfo:
        """Write a secret, or its next version; it may go to `hosts` and nowhere else, and `lasts` so many seconds.

        The version before is good for `grace` seconds more. Where the newest version is not `expect`, nothing is
        written; 0 is that there is none yet. Without hosts they are those of the version before.
        """
        info = await self.office.put(path, value, hosts=hosts, lasts=lasts, grace=grace, expect=expect, tenant=tenant)
        if info.version > 1:
            await self.emit(SecretRotated(info.path, info.version, grace))
        return info

    @tool(read_only=True)
    async def list_secrets(self, prefix: str = "", tenant: str = "") -> list[SecretInfo]:
        """Return every secret whose path begins so, without what is in it."""
        return list(await self.office.all(prefix, tenant=tenant))

    @tool(destructive=True)
    async def rotate_secret(
        self, path: str, grace: float = 300.0, expect: int | None = None, tenant: str = ""
    ) -> SecretInfo:
        """Replace a secret by one that nobody knows; the one before is good for `grace` seconds more."""
        info = await self.office.put(path, None, hosts=None, lasts=None, grace=grace, expect=expect, tenant=tenant)
        await self.emit(SecretRotated(info.path, info.version, grace))
        return info

    @tool(destructive=True)
    async def delete_secret(self, path: str, tenant: str = "") -> None:
        """Forget a secret, every version of it."""
        await self.office.drop(path, tenant=tenant)

    @tool(destructive=True)
    async def reveal_secret(self, path: str, version: int | None = None, tenant: str = "") -> Revealed:
        """Show a secret in plain, to a person; no MAD is ever told."""
        return await self.office.reveal(path, version=version, tenant=tenant)

    @tool(destructive=True)
    async def wrap_secret(self, path: str, lasts: float = 600.0, tenant: str = "") -> Wrapped:
        """Make a token by which somebody gets a secret once, within so many seconds."""
        return await self.office.wrap(path, lasts=lasts, tenant=tenant)

    @tool(destructive=True)
    async def unwrap_secret(self, token: Sensitive[str]) -> Revealed:
        """Show what a token is for, to a person, this once."""
        return await self.office.unwrap(token)

    @tool(destructive=True)
    async def grant_secret(
        self, mad: str, pattern: str, lease: float | None = None, tenant: str = "default"
    ) -> list[GrantInfo]:
        """Let a MAD use the secrets that fit, github/token or github/*; each handle for `lease` seconds, if any."""
        return list(await self.keeping.grant(mad, pattern, lease=lease, tenant=tenant))

    @tool(destructive=True)
    async def revoke_secret(self, mad: str, pattern: str, tenant: str = "default") -> list[GrantInfo]:
        """Take back what a MAD was granted, at once."""
        return list(await self.keeping.revoke(mad, pattern, tenant=tenant))

    @tool(read_only=True)
    async def list_grants(self) -> list[GrantInfo]:
        """Return which MAD may use which secrets."""
        return list(self.keeping.granted())

    @tool(read_only=True)
    async def seal_state(self) -> SealInfo:
        """Return whether the secrets are sealed."""
        return self.keeping.state()

    @tool(destructive=True)
    async def seal(self) -> SealInfo:
        """Seal the secrets: nothing opens until somebody gives the passphrase."""
        return await self.keeping.seal()

    @tool(destructive=True)
    async def unseal(self, passphrase: Sensitive[str] = "") -> SealInfo:
        """Open the secrets; the first passphrase that is given is the one from then on."""
        return await self.keeping.unseal(passphrase)

    @tool(destructive=True)
    async def rotate_root(self, passphrase: Sensitive[str] = "", to: str = "") -> int:
        """Put every secret under a new key, while all of them are in use; return how many.

        That key is under the root `to` from then on, written as in `mads.toml`, where one is named.
        """
        count = await self.keeping.renew(passphrase, to)
        await self.emit(RootRotated(count, to))
        return count
