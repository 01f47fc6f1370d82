"""Whatever is nearest is found, among many as among few, and through what is hidden.

Covers how vectors are searched, with made ones. Does not cover what they mean: `test_vectors.py` does.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mads.recall import matrix as matrices
from mads.recall import vectors
from mads.recall.chunks import Chunk
from mads.recall.embedding import SIZE, Meaning, unit
from mads.recall.filling import add
from mads.recall.fusion import WORDS
from mads.recall.matrix import matrix, packed
from mads.recall.mixing import LEAST, SHARES, best
from mads.recall.tables import EVERYONE, Reader, prepare
from mads.recall.vectors import around, near
from mads.store.sqlite import Connection, connect, transaction

COVERS = ("R-063",)

Vector = NDArray[np.float32]

MANY = 400


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    db = connect(tmp_path / "index.sqlite")
    prepare(db)
    yield db
    db.close()


def made(count: int, seed: int = 1) -> Vector:
    """Return vectors that differ in a few directions more than in the others, as those of a model do."""
    chance = np.random.default_rng(seed)
    return unit(chance.standard_normal((count, SIZE), np.float32) * np.linspace(2, 0.05, SIZE, dtype=np.float32) ** 3)


def hold(db: Connection, rows: Vector, name: str = "f") -> None:
    with transaction(db):
        for number, row in enumerate(rows):
            add(db, Chunk(f"{name}{number}.py", 1, 1, "", f"{name} = {number}"), "code", 0)
            [(digest,)] = db.execute("SELECT digest FROM chunks ORDER BY id DESC LIMIT 1").fetchall()
            row_of = (digest, packed(row[None]), b"")
            db.execute("INSERT INTO vectors (digest, vector, words) VALUES (?, ?, ?)", row_of)


def test_the_nearest_of_many_are_those_that_all_numbers_say(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "CANDIDATES", 60)
    rows, asked = made(MANY), made(8, seed=2)
    hold(db, rows[:100])
    assert len(matrix(db).nearest(asked[0], 5)) == 5
    hold(db, rows[100:], "g")
    for vector in asked:
        exact = (np.argsort(-(rows @ vector))[:5] + 1).tolist()
        found = matrix(db).nearest(vector, 5)
        assert list(found) == exact
        assert list(found.values()) == pytest.approx(sorted(rows @ vector)[:-6:-1], abs=0.01)


def test_who_may_not_see_the_nearest_finds_what_comes_after_them(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "POOL", 10)
    rows = made(MANY)
    order = np.argsort(-(rows @ rows[0]))
    hold(db, rows[order[: MANY // 2]], "hidden")
    hold(db, rows[order[MANY // 2 :]], "seen")
    meaning = Meaning(rows[0], rows[:0, :1])
    assert len(near(db, around(matrix(db), meaning), EVERYONE)) == vectors.ENOUGH
    found = near(db, around(matrix(db), meaning), Reader(hidden=("hidden*",)))
    nearest = float(rows[order[MANY // 2]] @ rows[0])
    assert len(found) >= vectors.ENOUGH
    assert max(found.values()) == pytest.approx(nearest, abs=0.01)


def test_words_count_more_or_less_where_enough_commits_say_that_it_helps() -> None:
    flat = {share: [0.5] * LEAST for share in SHARES}
    assert best(flat) == best({share: [] for share in SHARES}) == WORDS
    assert best(flat | {0.2: [0.505] * LEAST, 0.4: [0.4] * LEAST}) == WORDS
    assert best(flat | {0.2: [0.6] * LEAST, 0.4: [0.6] * LEAST}) == 0.2
    assert best({share: [share] * (LEAST - 1) for share in SHARES}) == WORDS
