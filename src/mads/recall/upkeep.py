"""Keep an index in step with its folder, a bounded piece of work at a time.

What is still to be done stands in the index itself: the work can stop at any point, and any process can go on with it.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mads.recall.embedding import embedder
from mads.recall.files import File, listing
from mads.recall.filling import index, remove
from mads.recall.history import follow
from mads.recall.kinds import kind_of
from mads.recall.learning import learn
from mads.recall.library import Coverage, Library, coverage, with_index
from mads.recall.mixing import mix
from mads.recall.vectors import enrich, sweep
from mads.store.sqlite import Connection, transaction

BATCH_BYTES = 500_000
"""How much text is indexed in one transaction."""

REST = 2
"""Seconds after which a log is read again, at the earliest."""

_GONE = -1
"""The size of a file that is no longer there, until the index has forgotten it."""

_KNOWN = "SELECT path, changed_ns, size FROM files"


def survey(library: Library) -> Coverage:
    """Note which files of the folder are new, changed or gone; raise `OSError` where it cannot be read."""
    listed = {file.path: file for file in listing(Path(library.folder))}

    def note(db: Connection) -> Coverage:
        known = {path: (path, changed_ns, size) for path, changed_ns, size in db.execute(_KNOWN)}
        changed = [file for path, file in listed.items() if known.get(path) != file and not _is_resting(file, known)]
        gone = [(path, 0, _GONE) for path in known if path not in listed]
        if changed or gone or not coverage(db).is_surveyed:
            with transaction(db):
                db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, FALSE, FALSE)", [*changed, *gone])
                db.execute("INSERT OR IGNORE INTO surveyed VALUES (TRUE)")
        return coverage(db)

    return with_index(library, note)


def _is_resting(file: File, known: Mapping[str, tuple[str, int, int]]) -> bool:
    """Return whether a log that grows all the time was read lately."""
    was_changed_ns = known.get(file.path, ("", 0, 0))[1]
    return kind_of(file.path) == "log" and 0 <= time.time_ns() - was_changed_ns < REST * 1_000_000_000


def advance(library: Library, seconds: float) -> Coverage:
    """Index what `survey` noted, the newest first, for about so many `seconds`."""
    until = time.monotonic() + seconds

    def work(db: Connection) -> Coverage:
        while files := list(_batch(db)):
            remove(db, [file.path for file in files if file.size == _GONE])
            index(db, Path(library.folder), [file for file in files if file.size != _GONE])
            if time.monotonic() >= until:
                break
        return coverage(db)

    return with_index(library, work)


def study(library: Library, seconds: float) -> int:
    """Add what takes longer for about so many `seconds`: the history, the meaning of what changed last.

    Return how many passages are still to be understood; 0 as well where there is no model.
    """

    def work(db: Connection) -> int:
        follow(db, Path(library.folder))
        sweep(db)
        learn(db)
        mix(db)
        return enrich(db, seconds) if embedder() else 0

    return with_index(library, work)


def _batch(db: Connection) -> Iterator[File]:
    """Yield files that are to be done: one, and more as long as they are not too much for one transaction."""
    total = 0
    for row in db.execute(f"{_KNOWN} WHERE NOT is_done ORDER BY changed_ns DESC LIMIT 100").fetchall():
        file = File(*row)
        total += max(0, file.size)
        if total > max(BATCH_BYTES, file.size):
            return
        yield file
