"""Rights in a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import astuple

from mads.store.database import Database
from mads.store.rights.port import Change, Grant, Kept, Terms
from mads.store.sqlite import Connection

_GRANT = "INSERT OR IGNORE INTO grants (whom, tenant, what, allow, condition) VALUES (?, ?, ?, ?, ?)"
_GRANTS = "SELECT id, whom, tenant, what, allow, condition FROM grants ORDER BY id"
_ROLES = "SELECT name FROM roles ORDER BY name"
_REVISION = "SELECT coalesce(max(revision), 0) FROM revisions"
_REVISIONS = "SELECT revision, at, what FROM revisions ORDER BY revision"


class SqliteRights:
    """Keeps rights in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def change(self, change: Change, *, now: int) -> Kept:
        """Make a change and return what is kept then; what is granted already stays as it is."""

        def work(connection: Connection) -> Kept:
            for role in change.dropped:
                connection.execute("DELETE FROM grants WHERE whom = ?", (f"role:{role}",))
                if role not in change.made:
                    connection.execute("DELETE FROM grants WHERE what = ?", (role,))
                connection.execute("DELETE FROM roles WHERE name = ?", (role,))
            connection.executemany("INSERT OR IGNORE INTO roles (name) VALUES (?)", [(role,) for role in change.made])
            connection.executemany("DELETE FROM grants WHERE id = ?", [(id_,) for id_ in change.revoked])
            connection.executemany(_GRANT, [astuple(terms) for terms in change.granted])
            connection.execute("INSERT INTO revisions (at, what) VALUES (?, ?)", (now, change.what))
            return _kept(connection)

        return await self._database.write(work)

    async def kept(self) -> Kept:
        """Return what is kept."""
        return await self._database.read(_kept)

    async def revisions(self) -> Sequence[tuple[int, int, str]]:
        """Return the number of each revision, when it was made and what it was in words; the first one first."""
        return await self._database.read(lambda connection: connection.execute(_REVISIONS).fetchall())


def _kept(connection: Connection) -> Kept:
    grants = tuple(
        Grant(id_, Terms(whom, tenant, what, bool(allow), when))
        for id_, whom, tenant, what, allow, when in connection.execute(_GRANTS).fetchall()
    )
    roles = tuple(name for (name,) in connection.execute(_ROLES).fetchall())
    ((revision,),) = connection.execute(_REVISION).fetchall()
    return Kept(revision, roles, grants)
