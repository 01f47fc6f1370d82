"""A project's rules while its system rests: what they would decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mads.guard.rights.policy import Policy
from mads.host.audit import Trail
from mads.host.catalogue import Catalogue
from mads.host.config import read_config
from mads.host.rights import RightsDesk
from mads.host.survey import survey
from mads.project.resting import opened
from mads.store.rights.sqlite import SqliteRights
from mads.wire.status import Case, CaseResult


async def tested(root: Path, cases: Sequence[Case]) -> Sequence[CaseResult]:
    """Return what would be decided in each of `cases`; a tool of an MCP server counts as one that says nothing."""
    config = read_config(root)
    catalogue, policy = Catalogue(config, survey(config)), Policy()
    policy.declare(catalogue.calls())
    async with opened(root) as database:
        desk = await RightsDesk.open(SqliteRights(database), policy, Trail(), catalogue.tools, changed=lambda: None)
        return desk.tested(cases)
