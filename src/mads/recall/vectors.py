"""The vectors of an index: kept as its rows, and in memory as one matrix that follows them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

from mads.recall.embedding import Meaning, embedder
from mads.recall.filling import spoken
from mads.recall.kinds import KINDS, Kind
from mads.recall.matrix import Matrix, matrix, packed, unpacked
from mads.recall.tables import Reader, fact, note
from mads.store.sqlite import Connection, transaction

POOL = 200
"""How many of the nearest vectors are looked at."""

ENOUGH = 50
"""How many of them may be seen at least, where there are so many."""

BATCH = 8
"""How many vectors are written in one transaction."""

SPARE = 1_000
"""How many vectors of texts that are gone may stay at least, in case the texts come back."""


class Asked(NamedTuple):
    """What a query means, and the ids of the `POOL` vectors nearest to that, with their cosine, the nearest first."""

    meaning: Meaning
    nearest: dict[int, float]


_TO_DO = "SELECT digest, symbol, text FROM chunks WHERE NOT has_vector ORDER BY changed_ns DESC LIMIT ?"


def enrich(db: Connection, seconds: float) -> int:
    """Add vectors, of what changed last first, for about so many `seconds`; return how many chunks are left without."""
    model = embedder()
    until = time.monotonic() + seconds
    while model:
        todo = {digest: spoken(symbol, text) for digest, symbol, text in db.execute(_TO_DO, (BATCH,)).fetchall()}
        if not todo:
            break
        made = [(digest, model.meaning(text)) for digest, text in todo.items()]
        with transaction(db):
            db.executemany(
                "INSERT OR IGNORE INTO vectors (digest, vector, words) VALUES (?, ?, ?)",
                [(digest, packed(meaning.whole[None]), packed(meaning.words)) for digest, meaning in made],
            )
            db.executemany("UPDATE chunks SET has_vector = TRUE WHERE digest = ?", [(digest,) for digest in todo])
        if time.monotonic() >= until:
            break
    return left(db)


def left(db: Connection) -> int:
    """Return how many chunks are still to get a vector."""
    [(count,)] = db.execute("SELECT count(*) FROM chunks WHERE NOT has_vector").fetchall()
    return int(count)


def asked(db: Connection, query: str) -> Callable[[], Asked | None]:
    """Begin to find out what is meant by `query` and what is near it, and return what waits for that.

    It is None where nothing in the index has a vector, or there is no model.
    """
    has_vectors = db.execute("SELECT EXISTS (SELECT 1 FROM vectors)").fetchall()[0][0]
    return _beside().submit(_meant, query, matrix(db)).result if has_vectors and query.strip() else lambda: None


def _meant(query: str, every: Matrix) -> Asked | None:
    model = embedder()
    if model is None:
        return None
    return around(every, model.meaning(query))


def around(every: Matrix, meaning: Meaning) -> Asked:
    """Return `meaning` with what is near it."""
    return Asked(meaning, every.nearest(meaning.whole, POOL))


@cache
def _beside() -> ThreadPoolExecutor:
    """Return this process's thread for the model: while it is at work, SQLite can be."""
    return ThreadPoolExecutor(1, "meaning")


def sweep(db: Connection) -> None:
    """Forget the vectors of texts that are gone, where they are many."""
    counts = "SELECT (SELECT count(*) FROM vectors), (SELECT count(DISTINCT digest) FROM chunks WHERE has_vector)"
    [(kept, used)] = db.execute(counts).fetchall()
    if kept > 2 * used + SPARE:
        with transaction(db):
            db.execute("DELETE FROM vectors WHERE digest NOT IN (SELECT digest FROM chunks)")
            note(db, "swept", str(int(fact(db, "swept") or 0) + 1))


def near(
    db: Connection, meant: Asked, reader: Reader, kinds: Sequence[Kind] = KINDS, also: Sequence[int] = ()
) -> dict[int, float]:
    """Return the ids of the chunks near what is `meant`, and of those `also` that have a vector, with their cosine.

    Where most of the nearest may not be seen, more are looked at, until there are `ENOUGH`.
    """
    (meaning, found), count = meant, POOL
    rows = _seen(db, "vectors.id", list(found), reader, kinds)
    while len(rows) < ENOUGH and len(found) == count:
        count *= 5
        found = matrix(db).nearest(meaning.whole, count)
        rows = _seen(db, "vectors.id", list(found), reader, kinds)
    rows += _seen(db, "chunks.id", also, reader, kinds)
    others = unpacked([blob for _, _, blob in rows]) @ meaning.whole
    return {chunk: found.get(id_, float(other)) for (chunk, id_, _), other in zip(rows, others, strict=True)}


def _seen(
    db: Connection, column: str, ids: Sequence[int], reader: Reader, kinds: Sequence[Kind]
) -> list[tuple[int, int, bytes]]:
    """Return the chunks, their vectors' ids and their vectors, of those `ids` that the reader may see."""
    allowed, bindings = reader.allowed("chunks.path", "chunks.tenant")
    found = db.execute(
        "SELECT chunks.id, vectors.id, vector FROM vectors JOIN chunks USING (digest)"  # noqa: S608
        f" WHERE {column} IN (SELECT value FROM json_each(?)) AND kind IN ({', '.join('?' for _ in kinds)})"
        f" AND {allowed}",
        (json.dumps(ids), *kinds, *bindings),
    )
    return [(chunk, id_, vector) for chunk, id_, vector in found.fetchall()]
