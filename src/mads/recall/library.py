"""A folder and its index: opened for a piece of work by any process, made anew where it is damaged."""

import hashlib
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar

from mads.recall.tables import prepare
from mads.store.sqlite import Connection, connect, explained, is_damaged
from mads.wire.errors import StoreError

R = TypeVar("R")


class Library(NamedTuple):
    """A folder, and the folder in which its index is kept, as a file of its own; both may be relative."""

    folder: str
    shelf: str

    def index_path(self) -> Path:
        """Return the path of the index."""
        name = hashlib.sha256(os.fsencode(Path(self.folder).resolve())).hexdigest()[:16]
        return Path(self.shelf) / f"{name}.sqlite"


class Coverage(NamedTuple):
    """How far an index is in step with its folder: `done` of `total` files, of which `unread` could not be read."""

    done: int
    total: int
    unread: int = 0
    is_surveyed: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether it is known which files there are, and all of them are done."""
        return self.is_surveyed and self.total == self.done


def coverage(db: Connection) -> Coverage:
    """Return how far the index is."""
    counts = (
        "SELECT total(is_done), count(*), total(is_done AND NOT is_read), EXISTS (SELECT 1 FROM surveyed) FROM files"
    )
    [(done, total, unread, is_surveyed)] = db.execute(counts).fetchall()
    return Coverage(int(done), total, int(unread), bool(is_surveyed))


def with_index(library: Library, work: Callable[[Connection], R]) -> R:
    """Return what `work` makes of the index; a damaged one is made anew."""
    path = library.index_path()
    try:
        return _opened(path, work)
    except StoreError as error:
        if not is_damaged(error):
            raise
    for part in ("", "-wal", "-shm"):
        Path(f"{path}{part}").unlink(missing_ok=True)
    return _opened(path, work)


def _opened(path: Path, work: Callable[[Connection], R]) -> R:
    with explained(path), closing(connect(path)) as db:
        db.pragma("synchronous", "NORMAL")  # what a power cut takes is found missing, and indexed again
        db.pragma("temp_store", "MEMORY")
        prepare(db)
        return work(db)
