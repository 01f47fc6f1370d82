"""Who may use which secrets, in a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mads.store.database import Database
from mads.store.secrets.port import Grant, Lease
from mads.store.sqlite import Connection

_GRANTS = "SELECT tenant, mad, pattern, lease FROM secret_grants ORDER BY tenant, mad, pattern"
_GRANT = "INSERT OR REPLACE INTO secret_grants (tenant, mad, pattern, lease) VALUES (?, ?, ?, ?)"
_REVOKE = "DELETE FROM secret_grants WHERE tenant = ? AND mad = ? AND pattern = ?"
_LEND = "INSERT INTO secret_leases (tenant, mad, path, until) VALUES (?, ?, ?, ?) RETURNING id"
_LEASE = "SELECT id, tenant, mad, path, until FROM secret_leases WHERE id = ?"


class SqliteSecretGrants:
    """Keeps grants and leases in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grants(self) -> Sequence[Grant]:
        """Return every grant, by tenant, MAD and pattern."""
        rows = await self._database.read(lambda connection: connection.execute(_GRANTS).fetchall())
        return [Grant(tenant=tenant, mad=mad, pattern=pattern, lease=lease) for tenant, mad, pattern, lease in rows]

    async def grant(self, grant: Grant) -> None:
        """Keep a grant, in the place of one for the same."""
        row = (grant.tenant, grant.mad, grant.pattern, grant.lease)
        await self._database.write(lambda connection: connection.execute(_GRANT, row).fetchall())

    async def revoke(self, tenant: str, mad: str, pattern: str) -> bool:
        """Forget a grant; return whether there was one."""

        def work(connection: Connection) -> bool:
            connection.execute(_REVOKE, (tenant, mad, pattern)).fetchall()
            return connection.changes() > 0

        return await self._database.write(work)

    async def lend(self, lease: Lease, *, now: int) -> Lease:
        """Keep a lease; return it with its number. Those that had ended by `now` are forgotten."""

        def work(connection: Connection) -> Lease:
            connection.execute("DELETE FROM secret_leases WHERE until <= ?", (now,)).fetchall()
            row = (lease.tenant, lease.mad, lease.path, lease.until)
            ((id_,),) = connection.execute(_LEND, row).fetchall()
            return replace(lease, id=id_)

        return await self._database.write(work)

    async def lease(self, lease: int) -> Lease | None:
        """Return the lease of that number; None where there is none, or no longer."""
        rows = await self._database.read(lambda connection: connection.execute(_LEASE, (lease,)).fetchall())
        if not rows:
            return None
        ((id_, tenant, mad, path, until),) = rows
        return Lease(id=id_, tenant=tenant, mad=mad, path=path, until=until)
