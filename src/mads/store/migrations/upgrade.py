"""Take the steps that a database is behind; what may lose something is tried on a copy, or copied, first."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mads.store.migrations import Migration, plan, taken, up
from mads.store.migrations.destructive import destructive
from mads.store.migrations.drift import refuse_drift
from mads.store.migrations.rehearsal import Rehearsal, rehearse
from mads.store.sqlite import connect, copy, explained, whole
from mads.wire.errors import StoreError


def upgrade(path: Path, known: Sequence[Migration]) -> tuple[list[Migration], Path | None]:
    """Take the steps that are left; return them, and the copy made before where one of them says that it is lossy.

    A step that says nothing, but takes away or overwrites what is there, is tried on a copy first. Raises `StoreError`
    where the database is damaged or was changed by hand, or a step turns out to be lossy, or fails; then that one has
    left no trace, and those before it stand.
    """
    with closing(connect(path)) as connection, explained(path):
        whole(connection)
        refuse_drift(connection, known)
        left = plan(connection, known)
        kept: Path | None = None
        if left and taken(connection, known):  # there is something to lose
            if any(destructive(step.up) and not step.lossy for step in left):
                refuse_lossy(rehearse(path, known))
            kept = back_up(path, f"before-{left[0].version}") if any(step.lossy for step in left) else None
        return up(connection, known), kept


def refuse_lossy(rehearsed: Sequence[Rehearsal]) -> None:
    """Raise `StoreError` where a step that was tried is lossy and does not say so."""
    refused = [step.refused for step in rehearsed if step.refused]
    if refused:
        raise StoreError("\n".join(refused))


def back_up(path: Path, why: str) -> Path:
    """Copy the database at `path` into a new file beside it, and return that."""
    number = 1
    while (to := path.with_name(f"{path.name}.{why}.{number}")).exists():
        number += 1
    copy(path, to)
    return to
