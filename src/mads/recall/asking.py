"""Ask an index: each question opens it, and sees what is there at that moment."""

import os
from collections.abc import Sequence
from pathlib import Path

from mads.recall.decisions import Decision, governing
from mads.recall.finding import Hit, search
from mads.recall.kinds import KINDS, Kind
from mads.recall.library import Coverage, Library, coverage, with_index
from mads.recall.reading import Entry, Passage, outline, passage
from mads.recall.tables import EVERYONE, Reader


def find(
    library: Library, query: str, limit: int, reader: Reader = EVERYONE, kinds: Sequence[Kind] = KINDS
) -> tuple[list[Hit], Coverage]:
    """Return the best places for `query` in files that are still there; raise `OSError` where the folder is not."""
    folder = Path(library.folder)
    os.scandir(folder).close()
    hits, covered = with_index(library, lambda db: (search(db, query, limit, reader, kinds), coverage(db)))
    return [hit for hit in hits if hit.kind == "log" or (folder / hit.path).is_file()], covered


def look(library: Library, place: str, reader: Reader) -> Passage | None:
    """Return what stands at `place`, a citation, a path or a name; None where nothing does."""
    return with_index(library, lambda db: passage(db, Path(library.folder), place, reader))


def contents(library: Library, path: str, reader: Reader) -> list[Entry]:
    """Return what a file defines, or the files of a folder."""
    return with_index(library, lambda db: outline(db, path, reader))


def reasons(library: Library, target: str, reader: Reader) -> list[Decision]:
    """Return the decisions that govern a path or a name."""
    return with_index(library, lambda db: governing(db, target, reader))
