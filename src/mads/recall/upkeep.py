"""Keep an index in step with its folder, a bounded piece of work at a time, and find things in it meanwhile.

What is still to be done stands in the index itself: the work can stop at any point, and any process can go on with it.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar

from mads.recall.files import File, listing
from mads.recall.lexical import Hit, index, prepare, remove, search
from mads.store.sqlite import Connection, connect, explained, is_damaged, transaction
from mads.wire.errors import StoreError

BATCH_BYTES = 500_000
"""How much text is indexed in one transaction."""

_GONE = -1
"""The size of a file that is no longer there, until the index has forgotten it."""

_KNOWN = "SELECT path, changed_ns, size FROM files"

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


def survey(library: Library) -> Coverage:
    """Note which files of the folder are new, changed or gone; raise `OSError` where it cannot be read."""
    listed = {file.path: file for file in listing(Path(library.folder))}

    def note(db: Connection) -> Coverage:
        known = {path: (path, changed_ns, size) for path, changed_ns, size in db.execute(_KNOWN)}
        changed = [file for path, file in listed.items() if known.get(path) != file]
        gone = [(path, 0, _GONE) for path in known if path not in listed]
        if changed or gone or not _coverage(db).is_surveyed:
            with transaction(db):
                db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, FALSE, FALSE)", [*changed, *gone])
                db.execute("INSERT OR IGNORE INTO surveyed VALUES (TRUE)")
        return _coverage(db)

    return _with_index(library, note)


def advance(library: Library, seconds: float) -> Coverage:
    """Index what `survey` noted, the newest first, for about so many `seconds`."""
    until = time.monotonic() + seconds

    def work(db: Connection) -> Coverage:
        while files := list(_batch(db)):
            remove(db, [file.path for file in files if file.size == _GONE])
            index(db, Path(library.folder), [file for file in files if file.size != _GONE])
            if time.monotonic() >= until:
                break
        return _coverage(db)

    return _with_index(library, work)


def find(library: Library, query: str, limit: int) -> tuple[list[Hit], Coverage]:
    """Return the best places for `query` in files that are still there; raise `OSError` where the folder is not."""
    folder = Path(library.folder)
    os.scandir(folder).close()
    hits, coverage = _with_index(library, lambda db: (search(db, query, limit), _coverage(db)))
    return [hit for hit in hits if (folder / hit.path).is_file()], coverage


def _batch(db: Connection) -> Iterator[File]:
    """Yield files that are to be done: one, and more as long as they are not too much for one transaction."""
    total = 0
    for row in db.execute(f"{_KNOWN} WHERE NOT is_done ORDER BY changed_ns DESC LIMIT 100").fetchall():
        file = File(*row)
        total += max(0, file.size)
        if total > max(BATCH_BYTES, file.size):
            return
        yield file


def _coverage(db: Connection) -> Coverage:
    counts = (
        "SELECT total(is_done), count(*), total(is_done AND NOT is_read), EXISTS (SELECT 1 FROM surveyed) FROM files"
    )
    [(done, total, unread, is_surveyed)] = db.execute(counts).fetchall()
    return Coverage(int(done), total, int(unread), bool(is_surveyed))


def _with_index(library: Library, work: Callable[[Connection], R]) -> R:
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
