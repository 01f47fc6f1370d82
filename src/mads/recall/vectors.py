"""The vectors of an index: kept as its rows, and in memory as one matrix that follows them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from mads.recall.embedding import SIZE, embedder
from mads.recall.filling import spoken
from mads.recall.kinds import KINDS, Kind
from mads.recall.tables import Reader, fact, note
from mads.store.sqlite import Connection, transaction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mads.recall.embedding import Vector

POOL = 200
"""How many of the nearest vectors are looked at."""

BATCH = 8
"""How many vectors are written in one transaction."""

SPARE = 1_000
"""How many vectors of texts that are gone may stay at least, in case the texts come back."""

_STEPS = 127
"""A vector is kept in whole numbers up to this, a byte each; its direction hardly changes."""

_TO_DO = "SELECT digest, symbol, text FROM chunks WHERE NOT has_vector ORDER BY changed_ns DESC LIMIT ?"


def enrich(db: Connection, seconds: float) -> int:
    """Add vectors, of what changed last first, for about so many `seconds`; return how many chunks are left without."""
    model = embedder()
    until = time.monotonic() + seconds
    while model:
        todo = {digest: spoken(symbol, text) for digest, symbol, text in db.execute(_TO_DO, (BATCH,)).fetchall()}
        if not todo:
            break
        made = [(digest, packed(model.vector(text))) for digest, text in todo.items()]
        with transaction(db):
            db.executemany("INSERT OR IGNORE INTO vectors (digest, vector) VALUES (?, ?)", made)
            db.executemany("UPDATE chunks SET has_vector = TRUE WHERE digest = ?", [(digest,) for digest in todo])
        if time.monotonic() >= until:
            break
    return left(db)


def left(db: Connection) -> int:
    """Return how many chunks are still to get a vector."""
    [(count,)] = db.execute("SELECT count(*) FROM chunks WHERE NOT has_vector").fetchall()
    return int(count)


def has_vectors(db: Connection) -> bool:
    """Return whether anything in the index has a vector."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM vectors)").fetchall()[0][0])


def sweep(db: Connection) -> None:
    """Forget the vectors of texts that are gone, where they are many."""
    counts = "SELECT (SELECT count(*) FROM vectors), (SELECT count(DISTINCT digest) FROM chunks WHERE has_vector)"
    [(kept, used)] = db.execute(counts).fetchall()
    if kept > 2 * used + SPARE:
        with transaction(db):
            db.execute("DELETE FROM vectors WHERE digest NOT IN (SELECT digest FROM chunks)")
            note(db, "swept", str(int(fact(db, "swept") or 0) + 1))


def near(
    db: Connection, vector: Vector, reader: Reader, kinds: Sequence[Kind] = KINDS, also: Sequence[int] = ()
) -> dict[int, float]:
    """Return the ids of the chunks nearest to `vector`, and of those `also` that have one, with their cosine."""
    found = _matrix(db.filename, fact(db, "born"), fact(db, "swept")).nearest(db, vector, POOL)
    allowed, bindings = reader.allowed("chunks.path", "chunks.tenant")
    among, others = ", ".join(map(str, found)), ", ".join(map(str, also))
    rows = db.execute(
        "SELECT chunks.id, vectors.id, vector FROM vectors JOIN chunks USING (digest)"  # noqa: S608
        f" WHERE (vectors.id IN ({among}) OR chunks.id IN ({others}))"
        f" AND kind IN ({', '.join('?' for _ in kinds)}) AND {allowed}",
        (*kinds, *bindings),
    ).fetchall()
    return {chunk: found[id_] if id_ in found else float(unpacked([blob])[0] @ vector) for chunk, id_, blob in rows}


def packed(vector: Vector) -> bytes:
    """Return `vector` as it is kept: a byte a number."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    steps: NDArray[np.float32] = np.rint(vector * (_STEPS / np.abs(vector).max()))
    return steps.astype(np.int8).tobytes()


def unpacked(blobs: Sequence[bytes]) -> Vector:
    """Return the vectors that are kept as `blobs`, a row each, of length 1."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    rows = np.frombuffer(b"".join(blobs), np.int8).reshape(len(blobs), SIZE).astype(np.float32)
    scaled: Vector = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


class Matrix:
    """All vectors of an index in the memory of this process: 1.5 kB each, in the order of their ids."""

    def __init__(self) -> None:
        import numpy as np  # noqa: PLC0415  it comes with an extra

        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._rows: Vector = np.empty((0, SIZE), np.float32)
        self._count = 0

    def nearest(self, db: Connection, vector: Vector, count: int) -> dict[int, float]:
        """Return the ids of the `count` vectors nearest to `vector`, with their cosine, the nearest first."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        self._follow(db)
        near = self._rows[: self._count] @ vector
        best = np.argpartition(-near, count - 1)[:count] if len(near) > count else np.arange(len(near))
        best = best[np.argsort(-near[best])]
        return dict(zip(self._ids[best].tolist(), near[best].tolist(), strict=True))

    def _follow(self, db: Connection) -> None:
        """Take what was added to the index since."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        last = int(self._ids[self._count - 1]) if self._count else 0
        added = db.execute("SELECT id, vector FROM vectors WHERE id > ? ORDER BY id", (last,)).fetchall()
        if not added:
            return
        end = self._count + len(added)
        if end > len(self._ids):
            room = max(end, len(self._ids) * 5 // 4) - len(self._ids)
            self._ids = np.concatenate([self._ids, np.zeros(room, np.int64)])
            self._rows = np.concatenate([self._rows, np.zeros((room, SIZE), np.float32)])
        self._ids[self._count : end] = [id_ for id_, _ in added]
        self._rows[self._count : end] = unpacked([blob for _, blob in added])
        self._count = end


@lru_cache(maxsize=2)
def _matrix(path: str, born: str, swept: str) -> Matrix:  # noqa: ARG001  another index, or ids that are gone: another matrix
    return Matrix()
