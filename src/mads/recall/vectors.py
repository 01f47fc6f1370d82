"""The vectors of an index: kept as its rows, and in memory as one matrix that follows them."""

from __future__ import annotations

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
    """Return the ids of the chunks nearest to `meaning`, and of those `also` that have a vector, with their cosine."""
    found = matrix(db).nearest(meaning.whole, POOL)
    allowed, bindings = reader.allowed("chunks.path", "chunks.tenant")
    among, others = ", ".join(map(str, found)), ", ".join(map(str, also))
    rows = db.execute(
        "SELECT chunks.id, vectors.id, vector FROM vectors JOIN chunks USING (digest)"  # noqa: S608
        f" WHERE (vectors.id IN ({among}) OR chunks.id IN ({others}))"
        f" AND kind IN ({', '.join('?' for _ in kinds)}) AND {allowed}",
        (*kinds, *bindings),
    ).fetchall()
    return {
        chunk: found[id_] if id_ in found else float(unpacked([blob])[0] @ meaning.whole) for chunk, id_, blob in rows
    }
