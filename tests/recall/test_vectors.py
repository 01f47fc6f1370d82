"""What is meant is found though other words were said, and vectors follow the index whatever happens in between.

Covers the real model, and the order, the interruption and the forgetting of vectors. Does not cover how well it ranks:
`benchmarks/retrieval.py` says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from mads.recall import mixing, vectors
from mads.recall.embedding import DEPTH, Embedder, embedder
from mads.recall.files import listing
from mads.recall.filling import index, remove
from mads.recall.finding import search
from mads.recall.fusion import share
from mads.recall.matrix import matrix, packed, unpacked
from mads.recall.mixing import mix
from mads.recall.tables import Reader, prepare
from mads.recall.vectors import around, enrich, left, near, sweep
from mads.store.sqlite import Connection, connect

COVERS = ("R-063",)

pytestmark = pytest.mark.slow  # a model is loaded

TEXTS = {
    "car.md": "# Driving\nThe automobile is parked in the garage.\n",
    "soup.md": "# Cooking\nBoil the onions, then add cream.\n",
    "code.py": "def remove_directory(path):\n    shutil.rmtree(path)\n",
}


@pytest.fixture
def model() -> Embedder:
    found = embedder()
    assert found is not None
    return found


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    (tmp_path / "folder").mkdir()
    for path, text in TEXTS.items():
        (tmp_path / "folder" / path).write_text(text, encoding="utf-8")
    db = connect(tmp_path / "index.sqlite")
    prepare(db)
    index(db, tmp_path / "folder", listing(tmp_path / "folder"))
    yield db
    db.close()


def test_what_is_meant_is_found_though_none_of_its_words_is_said(db: Connection) -> None:
    assert search(db, "where is my vehicle") == []
    assert enrich(db, 60) == 0
    assert search(db, "where is my vehicle")[0].path == "car.md"
    assert search(db, "delete a folder and all that it contains")[0].path == "code.py"
    assert search(db, "vehicle", reader=Reader(hidden=("car.md",)))[0].path != "car.md"
    assert search(db, " \n") == []


def test_what_gets_no_vector_is_found_beside_what_has_one(db: Connection, tmp_path: Path) -> None:
    assert enrich(db, 60) == 0
    (tmp_path / "folder" / "shop.log").write_text("the zebra escaped\n", encoding="utf-8")
    index(db, tmp_path / "folder", listing(tmp_path / "folder"))
    assert left(db) == 0
    assert search(db, "zebra")[0].path == "shop.log"
    assert search(db, "where is the zebra with my vehicle")[0].path == "shop.log"
    assert search(db, "where is my vehicle")[0].path == "car.md"


def test_vectors_can_be_left_at_any_point_and_are_gone_on_with(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "BATCH", 1)
    assert left(db) == 3
    assert [enrich(db, 0) for _ in range(4)] == [2, 1, 0, 0]


def test_how_much_words_count_is_learned_from_the_commits_once_all_has_a_meaning(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.execute("INSERT INTO commits (id, hash, at, message) VALUES (90, 'a', 1, 'Remove a directory')")
    db.execute("INSERT INTO changes VALUES ('code.py', 90)")
    assert not mix(db)
    enrich(db, 60)

    def every(gains: Mapping[float, Sequence[float]]) -> float:
        return float(gains == {share: [1.0] for share in mixing.SHARES})

    monkeypatch.setattr(mixing, "best", every)
    assert (mix(db), mix(db), share(db)) == (True, False, 1.0)
    assert search(db, "directory")[0].path == "code.py"


def test_without_a_model_a_search_goes_by_words(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    enrich(db, 60)
    monkeypatch.setattr(vectors, "embedder", lambda: None)
    assert [hit.path for hit in search(db, "garage")] == ["car.md"]
    assert search(db, "vehicle") == []


def test_a_text_that_comes_back_has_its_vector_and_what_is_gone_is_not_near(
    db: Connection, tmp_path: Path, model: Embedder
) -> None:
    enrich(db, 60)
    files = listing(tmp_path / "folder")
    remove(db, ["car.md"])
    assert len(near(db, around(matrix(db), model.meaning("car")), Reader())) == 2
    index(db, tmp_path / "folder", files)
    assert (left(db), len(near(db, around(matrix(db), model.meaning("car")), Reader()))) == (0, 3)


def test_what_is_gone_is_swept_out_and_the_matrix_made_anew(
    db: Connection, model: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrich(db, 60)
    near(db, around(matrix(db), model.meaning("car")), Reader())
    monkeypatch.setattr(vectors, "SPARE", 0)
    remove(db, ["car.md", "soup.md"])
    sweep(db)
    assert db.execute("SELECT count(*) FROM vectors").fetchall() == [(1,)]
    assert len(near(db, around(matrix(db), model.meaning("car")), Reader())) == 1


def test_what_is_kept_of_a_vector_is_its_direction(model: Embedder) -> None:
    whole, words = model.meaning("How do I feed a zebra?")
    assert float(unpacked([packed(whole[None])])[0] @ whole) > 0.999
    assert float((unpacked([packed(words)], DEPTH) * words).sum(axis=1).min()) > 0.999
