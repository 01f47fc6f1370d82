"""The vault: handles are given out and resolved here, to those who may, and each time that is on disk first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from msgspec.structs import replace

from mads.secrets.access import Access, Note
from mads.secrets.envelope import wipe
from mads.secrets.marks import Known, Marker
from mads.secrets.paths import check_path, reaches
from mads.secrets.permits import Permits
from mads.secrets.safe import About, Safe
from mads.store.secrets.port import Envelope
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.secret import HOLE, SecretRef

MARKS = ("", "~marks")
"""Where the key lies under which secrets are known again: no tenant's, and no path that anybody could write."""


class StoredVault:
    """A `Vault` over a safe; what was wanted of it is noted by `note` before the answer."""

    def __init__(self, safe: Safe, permits: Permits, note: Note) -> None:
        self._safe, self._permits, self._note = safe, permits, note
        self._marker: Marker | None = None
        self._making = asyncio.Lock()
        self._known: tuple[int, Known] | None = None
        self.changes = 0

    async def handle(self, path: str, version: int | None, *, mad: str, principal: str, tenant: str) -> SecretRef:
        """Return a handle of a secret for `mad`, or "" for a person; raise as `resolve` does."""
        access = Access(path=path, tenant=tenant, rule="a handle", mad=mad, principal=principal)
        try:
            check_path(path)
            grant = self._permits.granted(tenant, mad, path) if mad else None
            await self._safe.find(tenant, path, version)
        except (Denied, InvalidMessage) as error:
            await self._refused(access, error)
            raise
        lease = await self._permits.lent(grant, path) if grant else None
        await self._note(access)
        return SecretRef(path, version, lease=lease)

    async def resolve(self, ref: SecretRef, *, mad: str, principal: str, tenant: str, host: str) -> bytearray:
        """Return the secret behind `ref` within its shape, for `mad` to send to `host`; overwrite it after use."""
        access = Access(path=ref.path, tenant=tenant, rule=f"used for {host}", mad=mad, principal=principal)
        try:
            envelope = await self._may(ref, mad, tenant, host)
        except (Denied, InvalidMessage) as error:
            await self._refused(access, error)
            raise
        await self._note(access)
        value = await self._safe.opened(envelope)
        if ref.shape == HOLE:
            return value
        before, _, after = ref.shape.partition(HOLE)
        try:
            return bytearray().join((before.encode(), value, after.encode()))
        finally:
            wipe(value)

    async def fingerprints(self) -> Known:
        """Return what knows the secrets that are kept, replaced ones too, by tenant and path, with a colon between."""
        if self._known is None or self._known[0] != self.changes:
            changes = self.changes
            marked = [(f"{it.tenant}:{it.path}", it.marks) for it in await self.secrets(older=True) if it.marks]
            marker = await self.marker() if marked else Marker(bytes(32))  # where there are none, none is made
            self._known = (changes, marker.known(marked))
        return self._known[1]

    async def marker(self) -> Marker:
        """Return what makes the marks of this store's secrets; its key is made with the first of them."""
        async with self._making:
            if self._marker is None:
                found = await self._safe.newest(*MARKS)
                if found is None:
                    found = await self._safe.put(*MARKS, os.urandom(32), About(), expect=0)
                self._marker = Marker(bytes(await self._safe.opened(found)))
            return self._marker

    def forget(self) -> None:
        """Know no secret again: the vault is sealed."""
        self._marker = self._known = None

    async def secrets(self, *, older: bool = False) -> Sequence[Envelope]:
        """Return the newest version of each secret, or every one that is kept, without what is in it."""
        return [it for it in await self._safe.listed(older=older) if not it.path.startswith("~")]

    async def _may(self, ref: SecretRef, mad: str, tenant: str, host: str) -> Envelope:
        check_path(ref.path)
        grant = self._permits.granted(tenant, mad, ref.path)
        await self._permits.refuse_ended(grant, ref.path, ref.lease)
        envelope = await self._safe.find(tenant, ref.path, ref.version)
        if not any(reaches(allowed, host) for allowed in envelope.hosts):
            to = ", ".join(envelope.hosts) or "no host at all"
            raise Denied(
                f"the secret {ref.path!r} may not go to {host!r}, but to {to}; write it anew with that one: "
                f"mads secret set {ref.path} --host {host}"
            )
        return envelope

    async def _refused(self, access: Access, why: Exception) -> None:
        await self._note(replace(access, path=access.path[:300], rule=f"{access.rule}: {why}", allowed=False))
