"""Which MAD may use which secrets, and for how long it was lent one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mads.secrets.paths import check_pattern, fits
from mads.store.secrets.port import Grant, Grants, Lease
from mads.wire.errors import Denied, InvalidMessage


class Permits:
    """The grants in `store`, all of them in memory, and the leases; `open` it first."""

    def __init__(self, store: Grants, now: Callable[[], int]) -> None:
        self._store, self._now = store, now
        self._grants: Sequence[Grant] = ()
        self._leases: dict[int, Lease] = {}

    async def open(self) -> None:
        """Know what is granted."""
        self._grants = await self._store.grants()

    def all(self, tenant: str | None) -> Sequence[Grant]:
        """Return what is granted in a tenant; None is every tenant."""
        return [it for it in self._grants if tenant in (None, it.tenant)]

    async def grant(self, grant: Grant) -> None:
        """Let a MAD use what fits, from now on."""
        check_pattern(grant.pattern)
        await self._store.grant(grant)
        await self.open()

    async def revoke(self, tenant: str, mad: str, pattern: str) -> None:
        """Take a grant back, at once; raise `InvalidMessage` where there is none."""
        if not await self._store.revoke(tenant, mad, pattern):
            raise InvalidMessage(f"{mad} was not granted {pattern!r}; mads secret list --grants shows what was")
        await self.open()

    def granted(self, tenant: str, mad: str, path: str) -> Grant:
        """Return the grant by which `mad` may use a secret, one without a lease rather; raise `Denied`."""
        fitting = [it for it in self.all(tenant) if it.mad == mad and fits(it.pattern, path)]
        if not fitting:
            own = "" if tenant == "default" else f" --tenant {tenant}"
            raise Denied(
                f"{mad} was not granted the secret {path!r}; whoever runs the system may write: "
                f"mads secret grant {mad} {path}{own}"
            )
        return min(fitting, key=lambda it: it.lease or 0)

    async def lent(self, grant: Grant, path: str) -> int | None:
        """Lend a handle of a secret by `grant`; return the number of the lease, None where it needs none."""
        if grant.lease is None:
            return None
        now = self._now()
        lease = Lease(id=0, tenant=grant.tenant, mad=grant.mad, path=path, until=now + grant.lease)
        lease = await self._store.lend(lease, now=now)
        self._leases = {number: it for number, it in self._leases.items() if it.until > now}
        self._leases[lease.id] = lease
        return lease.id

    async def refuse_ended(self, grant: Grant, path: str, number: int | None) -> None:
        """Raise `Denied` where `grant` asks for a lease and that of `number` is none, is another's, or is over."""
        if grant.lease is None:
            return
        lease = None if number is None else self._leases.get(number) or await self._store.lease(number)
        held = lease is not None and (lease.tenant, lease.mad, lease.path) == (grant.tenant, grant.mad, path)
        if lease is None or not held or lease.until <= self._now():
            raise Denied(f"the lease of {path!r} to {grant.mad} is over; ask for a new handle: await self.secrets(…)")
