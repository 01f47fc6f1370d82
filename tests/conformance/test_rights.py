"""Every store of rights, and of the audit, keeps the promises of its port: in memory and in SQLite.

Covers the ports. Does not cover what the rights come to: tests/guard/test_policy.py and tests/host/test_rights.py do.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mads.store.audit.memory import MemoryAudit
from mads.store.audit.sqlite import SqliteAudit
from mads.store.database import Database
from mads.store.rights.memory import MemoryRights
from mads.store.rights.sqlite import SqliteRights
from mads.testing import audit_suite, rights_suite

COVERS = ("R-044",)

KEY = bytes(range(32))


@pytest.mark.parametrize("check", rights_suite.CHECKS)
@pytest.mark.parametrize("of", [None, SqliteRights])
async def test_a_store_of_rights_keeps_a_promise(tmp_path: Path, check: rights_suite.Check, of: Any) -> None:
    await _in(tmp_path, check, lambda database: MemoryRights() if of is None else of(database))


@pytest.mark.parametrize("check", audit_suite.CHECKS)
@pytest.mark.parametrize("of", [None, SqliteAudit])
async def test_a_store_of_the_audit_keeps_a_promise(tmp_path: Path, check: audit_suite.Check, of: Any) -> None:
    await _in(tmp_path, check, lambda database: MemoryAudit(KEY) if of is None else of(database, KEY))


async def _in(folder: Path, check: Callable[[Any], Awaitable[None]], made: Callable[[Database], Any]) -> None:
    database = await Database.open(folder / "store.sqlite")
    await check(made(database))
    await database.close()
