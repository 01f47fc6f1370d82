"""A project's database: which steps it would take or undo and what that would lose; changed only while it rests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from mads.host.attest import store_in
from mads.host.paths import data_folder
from mads.project.resting import resting
from mads.store.migrations import Migration, down, shipped, taken
from mads.store.migrations.rehearsal import Rehearsal, Undoing, rehearse, rehearse_down
from mads.store.migrations.upgrade import back_up, refuse_lossy, upgrade
from mads.store.sqlite import connect, explained
from mads.wire.errors import UsageError

NOTHING = "0000"
"""The version of a database that has taken no step."""


class Plan(Struct, frozen=True, kw_only=True):
    """What `up` would do: the version that the `database` is at, and each step that it lacks, tried on a copy."""

    database: str
    at: str
    pending: Sequence[Rehearsal]
    refused: Sequence[str]


class Changed(Struct, frozen=True, kw_only=True):
    """What was done: the steps taken or undone, the version since then, the copy made before ("" for none)."""

    database: str
    at: str
    steps: Sequence[str]
    backup: str


def plan(root: Path) -> Plan:
    """Return what `up` would do to the project in `root`, which may run meanwhile; nothing is changed."""
    path, known = _store(root), shipped()
    pending = rehearse(path, known)
    refused = [step.refused for step in pending if step.refused]
    return Plan(database=str(path), at=_at(known[: len(known) - len(pending)]), pending=pending, refused=refused)


async def up(root: Path) -> Changed:
    """Take every step that is left; raise `StoreError` where one is lossy and does not say so, or fails."""
    path, known = _store(root), shipped()
    async with resting(root):
        refuse_lossy(rehearse(path, known))
        took, backup = upgrade(path, known)
    return Changed(database=str(path), at=_at(known), steps=[step.name for step in took], backup=str(backup or ""))


async def undo(root: Path, to: str | None, *, is_agreed: bool) -> Changed:
    """Undo the last step, or all after version `to`.

    Where that loses something and it is not `is_agreed`, raises `UsageError` that says what. Where it is, the database
    is copied first.
    """
    path, known = _store(root), shipped()
    if not path.exists():
        raise UsageError(f"there is no {path}, and so no step to undo")
    async with resting(root):
        with closing(connect(path)) as connection, explained(path):
            steps = _after(taken(connection, known), to)
            lost = [said for it in rehearse_down(path, known, len(steps)) if (said := _said(it))]
            if lost and not is_agreed:
                raise UsageError("\n".join((*lost, "if that is what you want, write: --yes; a copy is made before")))
            backup = back_up(path, f"before-down-{steps[-1].version}") if lost else None
            for _ in steps:
                down(connection, known)
            at = _at(taken(connection, known))
    return Changed(database=str(path), at=at, steps=[step.name for step in steps], backup=str(backup or ""))


def _store(root: Path) -> Path:
    return store_in(data_folder(root))


def _at(done: Sequence[Migration]) -> str:
    return done[-1].version if done else NOTHING


def _after(done: Sequence[Migration], to: str | None) -> list[Migration]:
    """Return the steps to undo, the last one first."""
    if not done:
        raise UsageError("the database has taken no step, so there is none to undo")
    at = _at(done[:-1]) if to is None else to.zfill(len(NOTHING))
    known = [NOTHING, *(step.version for step in done)]
    if at not in known:
        raise UsageError(f"the database has not taken step {to}; it can go back to {', '.join(known[:-1])}")
    return [step for step in reversed(done) if step.version > at]


def _said(undoing: Undoing) -> str:
    """Return what undoing a step loses, in words; "" for nothing."""
    if undoing.lost:
        return f"undoing {undoing.name} loses {undoing.lost}"
    return f"{undoing.name} cannot be undone exactly: {undoing.lossy}" if undoing.lossy else ""
