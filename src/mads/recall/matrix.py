"""All vectors of an index in the memory of a process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from mads.recall.embedding import SIZE, unit
from mads.recall.tables import fact
from mads.store.sqlite import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mads.recall.embedding import Vector

AXES, CANDIDATES = 96, 1_000
"""How many numbers a sketch has, and of how many vectors, the nearest by their sketches, all numbers are looked at."""

SAMPLE = 4_096
"""How many rows of the matrix stand for all where it is asked in which directions they lie, and how crowded it is."""

NEIGHBOURS = 8
"""How many of them count."""

FEW = 100
"""Among fewer vectors than these nothing is crowded."""

_SELF = 0.9995
"""The cosine from which a vector is its own neighbour."""

_STEPS = 127
"""A vector is kept in whole numbers up to this, a byte each; its direction hardly changes."""


def packed(rows: Vector) -> bytes:
    """Return `rows` as they are kept: a byte a number."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    highest = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-9) if len(rows) else 1.0
    steps: NDArray[np.int8] = np.rint(rows * _STEPS / highest).astype(np.int8)
    return bytes(steps)


def unpacked(blobs: Sequence[bytes], size: int = SIZE) -> Vector:
    """Return the vectors that are kept as `blobs`, a row each, of length 1."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    return unit(np.frombuffer(b"".join(blobs), np.int8).reshape(-1, size).astype(np.float32))


class Matrix:
    """The vectors of an index in the order of their ids: a byte a number, and a sketch of each, by which most are left.

    The sketch of a vector is its share of the `AXES` directions in which the vectors differ most. 0.8 kB for both.
    """

    def __init__(self) -> None:
        import numpy as np  # noqa: PLC0415  it comes with an extra

        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._rows: NDArray[np.int8] = np.empty((0, SIZE), np.int8)
        self._sketches: Vector = np.empty((AXES, 0), np.float32)
        self._axes: Vector = np.empty((SIZE, 0), np.float32)
        self._sample: Vector = np.empty((0, SIZE), np.float32)
        self._count = self._drawn = 0

    def nearest(self, vector: Vector, count: int) -> dict[int, float]:
        """Return the ids of the `count` vectors nearest to `vector`, with their cosine, the nearest first."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        some = max(CANDIDATES, 2 * count)
        if self._count > some:
            roughly = (vector @ self._axes) @ self._sketches[:, : self._count]
            among = np.argpartition(roughly, -some)[-some:]
        else:
            among = np.arange(self._count)
        near = unit(self._rows[among].astype(np.float32)) @ vector
        best = np.argsort(-near, kind="stable")[:count]
        return dict(zip(self._ids[among[best]].tolist(), near[best].tolist(), strict=True))

    def crowding(self, vectors: Vector) -> Vector:
        """Return how near each of `vectors` is to its neighbours: what is near to everything is no news for anyone."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        if self._count < FEW:
            return np.zeros(len(vectors), np.float32)
        near: Vector = vectors @ self._sample.T
        some = NEIGHBOURS + 1
        first: Vector = -np.sort(-np.partition(near, -some, axis=1)[:, -some:], axis=1)
        begin = (first[:, 0] > _SELF).astype(int)
        return np.array([row[at : at + NEIGHBOURS].mean() for row, at in zip(first, begin, strict=True)], np.float32)

    def follow(self, db: Connection) -> None:
        """Take what was added to the index since."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        last = int(self._ids[self._count - 1]) if self._count else 0
        added = db.execute("SELECT id, vector FROM vectors WHERE id > ? ORDER BY id", (last,)).fetchall()
        if not added:
            return
        begin, self._count = self._count, self._count + len(added)
        if self._count > len(self._ids):
            self._grow(max(self._count, len(self._ids) * 5 // 4) - len(self._ids))
        self._ids[begin : self._count] = [id_ for id_, _ in added]
        self._rows[begin : self._count] = np.frombuffer(b"".join(blob for _, blob in added), np.int8).reshape(-1, SIZE)
        self._sample = self._floats(slice(0, self._count, -(-self._count // SAMPLE)))
        if self._count > CANDIDATES:
            self._sketch(begin)

    def _grow(self, room: int) -> None:
        import numpy as np  # noqa: PLC0415  it comes with an extra

        self._ids = np.concatenate([self._ids, np.zeros(room, np.int64)])
        self._rows = np.concatenate([self._rows, np.zeros((room, SIZE), np.int8)])
        self._sketches = np.concatenate([self._sketches, np.zeros((AXES, room), np.float32)], axis=1)

    def _sketch(self, begin: int) -> None:
        """Sketch the vectors from `begin` on; all of them, on axes drawn anew, where they are twice as many as then."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        if self._count >= 2 * self._drawn:
            begin, self._drawn = 0, self._count
            _, directions = np.linalg.eigh(self._sample.T @ self._sample)
            self._axes = np.ascontiguousarray(directions[:, -AXES:], np.float32)
        for start in range(begin, self._count, SAMPLE):
            part = slice(start, min(start + SAMPLE, self._count))
            self._sketches[:, part] = (self._floats(part) @ self._axes).T

    def _floats(self, which: slice) -> Vector:
        import numpy as np  # noqa: PLC0415  it comes with an extra

        return unit(self._rows[which].astype(np.float32))


def matrix(db: Connection) -> Matrix:
    """Return this process's matrix of an index, with all that is there now."""
    found = _matrix(db.filename, fact(db, "born"), fact(db, "swept"))
    found.follow(db)
    return found


@lru_cache(maxsize=2)
def _matrix(_path: str, _born: str, _swept: str) -> Matrix:
    """Return a matrix for each index, and a new one where ids are gone."""
    return Matrix()
