"""Steps tried on a copy: what they take, what undoing them loses, how long it lasts; the original stays as it is."""

import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

from mads.store.log import look_over
from mads.store.migrations import Migration, down, taken, up
from mads.store.migrations.destructive import destructive
from mads.store.migrations.drift import refuse_drift
from mads.store.migrations.fingerprint import Difference, fingerprint
from mads.store.sqlite import Connection, connect, copy, explained, whole
from mads.wire.errors import StoreError


class Rehearsal(Struct, frozen=True, kw_only=True):
    """One step, taken, undone and taken again on a copy; times in milliseconds.

    `lost` is what undoing it does not bring back, `unsteady` what differs when it is taken again; `refused` says why it
    must not be taken so, "" where it may.
    """

    version: str
    name: str
    lossy: str
    destructive: tuple[str, ...]
    lost: Difference
    unsteady: Difference
    up_ms: float
    down_ms: float
    again_ms: float
    refused: str


class Undoing(Struct, frozen=True, kw_only=True):
    """One step, undone and taken again on a copy: `lost` is what would be lost for good."""

    version: str
    name: str
    lossy: str
    destructive: tuple[str, ...]
    lost: Difference
    down_ms: float


def rehearse(path: Path, known: Sequence[Migration]) -> list[Rehearsal]:
    """Try the steps that `up` would take on a copy of the database at `path`, which may not exist yet.

    Raises `StoreError` where the database is damaged or changed by hand, a step fails, or the steps do not fit it.
    """
    with _copied(path, known) as connection:
        done = len(taken(connection, known))
        return [_rehearsed(connection, known[: count + 1]) for count in range(done, len(known))]


def rehearse_down(path: Path, known: Sequence[Migration], count: int) -> list[Undoing]:
    """Try to undo the last `count` steps on a copy of the database at `path`, the last one first."""
    with _copied(path, known) as connection:
        return [_undone(connection, known) for _ in range(count)]


def _rehearsed(connection: Connection, known: Sequence[Migration]) -> Rehearsal:
    step, before = known[-1], fingerprint(connection)
    up_ms = _timed(lambda: up(connection, known))
    after = fingerprint(connection)
    down_ms = _timed(lambda: down(connection, known))
    lost = before.differs(fingerprint(connection))
    again_ms = _timed(lambda: up(connection, known))
    unsteady = after.differs(fingerprint(connection))
    return Rehearsal(
        version=step.version,
        name=step.name,
        lossy=step.lossy,
        destructive=destructive(step.up),
        lost=lost,
        unsteady=unsteady,
        up_ms=up_ms,
        down_ms=down_ms,
        again_ms=again_ms,
        refused="" if step.lossy else _refusal(step.name, lost, unsteady),
    )


def _refusal(name: str, lost: Difference, unsteady: Difference) -> str:
    if not lost and not unsteady:
        return ""
    found = f"undoing it does not bring back {lost}" if lost else f"taken again it differs: {unsteady}"
    return f"{name} is lossy and does not say so: {found}; mend it, or write into it `-- mads:lossy` and why"


def _undone(connection: Connection, known: Sequence[Migration]) -> Undoing:
    done, before = taken(connection, known), fingerprint(connection)
    step = done[-1]
    down_ms = _timed(lambda: down(connection, known))
    up(connection, done)
    lost = before.differs(fingerprint(connection))
    down(connection, known)
    return Undoing(
        version=step.version,
        name=step.name,
        lossy=step.lossy,
        destructive=destructive(step.down),
        lost=lost,
        down_ms=down_ms,
    )


@contextmanager
def _copied(path: Path, known: Sequence[Migration]) -> Generator[Connection]:
    """Yield a connection to a copy of the database at `path`, whole and in a folder that only its owner may enter."""
    with tempfile.TemporaryDirectory(prefix="mads-") as folder:
        to = Path(folder) / path.name
        if path.exists():
            look_over(path)
            copy(path, to)
        try:
            with explained(path), closing(connect(to)) as connection:
                whole(connection)
                refuse_drift(connection, known)
                yield connection
        except StoreError as error:
            raise StoreError(str(error).replace(str(to), str(path))) from error


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return round((time.perf_counter() - began) * 1000, 3)
