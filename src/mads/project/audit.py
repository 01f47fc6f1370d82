"""A project's audit while its system rests: shown, verified, and accepted as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mads.host.attest import Attested
from mads.host.audit import told
from mads.host.paths import data_folder
from mads.project.resting import opened
from mads.store.audit.port import Which
from mads.wire.status import AuditQuery, AuditRow, Verified


async def rows(root: Path, which: AuditQuery) -> Sequence[AuditRow]:
    """Return the last rows that fit `which`, oldest first."""
    async with opened(root) as database:
        asked = Which(**{name: getattr(which, name) for name in Which.__struct_fields__})
        return [told(row) for row in await Attested(data_folder(root), database).store.last(asked, which.limit)]


async def verified(root: Path) -> Verified:
    """Return how many rows there are, and what is wrong with them."""
    async with opened(root) as database:
        return await Attested(data_folder(root), database).verified()


async def accept(root: Path) -> Sequence[str]:
    """Have a row say that the operator knows what is wrong, and return that; the system starts again then."""
    async with opened(root) as database:
        return await Attested(data_folder(root), database).accept()
