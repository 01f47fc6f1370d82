"""The vectors of an index: kept as its rows, and in memory as one matrix that follows them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from mads.recall.embedding import Embedder, Meaning, embedder
from mads.recall.filling import spoken
from mads.recall.kinds import KINDS, Kind
from mads.recall.matrix import matrix, packed, unpacked
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


def asked(db: Connection, query: str) -> Meaning | None:
    """Return what is meant by `query`; None where nothing in the index has a vector, or there is no model."""
    has_vectors = db.execute("SELECT EXISTS (SELECT 1 FROM vectors)").fetchall()[0][0]
    model: Embedder | None = embedder() if has_vectors and query.strip() else None
    return model.meaning(query) if model else None


def sweep(db: Connection) -> None:
    """Forget the vectors of texts that are gone, where they are many."""
    counts = "SELECT (SELECT count(*) FROM vectors), (SELECT count(DISTINCT digest) FROM chunks WHERE has_vector)"
    [(kept, used)] = db.execute(counts).fetchall()
    if kept > 2 * used + SPARE:
        with transaction(db):
            db.execute("DELETE FROM vectors WHERE digest NOT IN (SELECT digest FROM chunks)")
            note(db, "swept", str(int(fact(db, "swept") or 0) + 1))


def near(
    db: Connection, meaning: Meaning, reader: Reader, kinds: Sequence[Kind] = KINDS, also: Sequence[int] = ()
) -> dict[int, float]:
    """Return the ids of the chunks nearest to `meaning`, and of those `also` that have a vector, with their cosine.

    Where most of the nearest may not be seen, more are looked at, until there are `ENOUGH`.
    """
    every, count = matrix(db), POOL
    found = every.nearest(meaning.whole, count)
    rows = _seen(db, "vectors.id", list(found), reader, kinds)
    while len(rows) < ENOUGH and len(found) == count:
        count *= 5
        found = every.nearest(meaning.whole, count)
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
