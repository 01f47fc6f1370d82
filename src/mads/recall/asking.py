"""Ask an index: each question opens it, and sees what is there at that moment."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from mads.recall.decisions import Decision, governing
from mads.recall.finding import Hit, search
from mads.recall.history import Commit, commits
from mads.recall.kinds import KINDS, Kind
from mads.recall.library import Coverage, Library, coverage, with_index
from mads.recall.localising import likely
from mads.recall.reading import Entry, Passage, outline, passage
from mads.recall.tables import EVERYONE, Reader
from mads.recall.vectors import left

LIKELY = 5
"""How many files are named that a change may touch."""


class Finding(NamedTuple):
    """What was found, how far the index was, and how many passages have no vector yet: only their words count."""

    hits: list[Hit]
    coverage: Coverage
    unmeant: int


class History(Struct, frozen=True):
    """The last `commits` about something, and the files that a change like that is `likely` to touch."""

    commits: tuple[Commit, ...]
    likely: tuple[str, ...]


def find(library: Library, query: str, limit: int, reader: Reader = EVERYONE, kinds: Sequence[Kind] = KINDS) -> Finding:
    """Return the best places for `query` in files that are still there; raise `OSError` where the folder is not."""
    folder = Path(library.folder)
    os.scandir(folder).close()
    hits, covered, unmeant = with_index(
        library, lambda db: (search(db, query, limit, reader, kinds), coverage(db), left(db))
    )
    return Finding([hit for hit in hits if (folder / hit.path).is_file()], covered, unmeant)


def look(library: Library, place: str, reader: Reader) -> Passage | None:
    """Return what stands at `place`, a citation, a path or a name; None where nothing does."""
    return with_index(library, lambda db: passage(db, Path(library.folder), place, reader))


def contents(library: Library, path: str, reader: Reader) -> list[Entry]:
    """Return what a file defines, or the files of a folder."""
    return with_index(library, lambda db: outline(db, path, reader))


def reasons(library: Library, target: str, reader: Reader) -> list[Decision]:
    """Return the decisions that govern a path or a name."""
    return with_index(library, lambda db: governing(db, target, reader))


def changes(library: Library, about: str, limit: int, reader: Reader) -> History:
    """Return what is known of the changes about a path or a subject."""
    return with_index(
        library,
        lambda db: History(tuple(commits(db, about, limit, reader)), tuple(likely(db, about, LIKELY, reader))),
    )
