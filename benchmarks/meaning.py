"""How fast vectors are made beside the bare model, and how long a search takes among 100,000 passages that have one.

The rate is that of passages of installed code, each read, embedded and committed, and the bare one that of the same
numbers put to the model in the same way and nothing else. The 100,000 vectors are random, since real ones take an hour;
the words are as in `benchmarks/recall.py`. A search opens the index, asks the model, fuses and cites, in
a worker as Dewey's.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.recall import add, chance, fill, made_files, real_files, some

from mads.host.workers import ProcessWorkers
from mads.recall.asking import find
from mads.recall.embedding import DEPTH, SIZE, Embedder, unit
from mads.recall.filling import spoken
from mads.recall.library import Library, with_index
from mads.recall.matrix import packed
from mads.recall.vectors import BATCH, enrich
from mads.store.sqlite import Connection, transaction

PASSAGES = 100_000
FUNCTIONS = 20
SAMPLE = 300
QUERIES = 200
WORDS = 45


def rates(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield how many passages a second get a vector, and how many the model alone would do."""
    library = Library(str(folder / "real"), str(folder))
    add(folder / "real", itertools.islice(real_files(), 40))
    fill(library)
    texts = with_index(library, sample)
    model = Embedder()
    numbers = [model.numbers(text) for text in texts]
    model.run(numbers[0])
    bare = ours = 0.0
    for start in range(0, len(numbers), BATCH):  # by turns, so that both meet the same machine
        started = time.perf_counter()
        for each in numbers[start : start + BATCH]:
            model.run(each)
        between = time.perf_counter()
        with_index(library, lambda db: enrich(db, 0))
        bare, ours = bare + between - started, ours + time.perf_counter() - between
    yield "vectors_per_s", round(len(numbers) / ours, 1)
    yield "bare_onnx_per_s", round(len(numbers) / bare, 1)
    yield "vectors_vs_bare_ratio", round(bare / ours, 3)


def sample(db: Connection) -> list[str]:
    """Return what the first `SAMPLE` passages say, and let the index hold no others."""
    db.execute(
        "UPDATE chunks SET has_vector = TRUE WHERE id NOT IN (SELECT id FROM chunks ORDER BY id LIMIT ?)", (SAMPLE,)
    )
    found = db.execute("SELECT DISTINCT symbol, text FROM chunks WHERE NOT has_vector ORDER BY changed_ns DESC")
    return [spoken(symbol, text) for symbol, text in found.fetchall()]


def invent(db: Connection) -> int:
    """Give each passage a random vector; return how many there are."""
    import numpy as np  # noqa: PLC0415  a worker imports this module first, and is to load NumPy for one thread alone

    made = np.random.default_rng(1)
    digests = db.execute("SELECT DISTINCT digest FROM chunks").fetchall()
    with transaction(db):
        for (digest,) in digests:
            whole, words = (unit(made.standard_normal(shape, np.float32)) for shape in ((1, SIZE), (WORDS, DEPTH)))
            db.execute(
                "INSERT OR IGNORE INTO vectors (digest, vector, words) VALUES (?, ?, ?)",
                (digest, packed(whole), packed(words)),
            )
        db.execute("UPDATE chunks SET has_vector = TRUE")
    return len(digests)


def searches(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield how long a search takes."""
    library = Library(str(folder / "made"), str(folder))
    add(folder / "made", made_files(PASSAGES // FUNCTIONS))
    fill(library)
    yield "passages", with_index(library, invent)
    queries = [f"where is the {' '.join(some(chance.randint(1, 5)))}" for _ in range(QUERIES + 5)]
    workers = ProcessWorkers()
    took = asyncio.run(workers.run(times, library, queries))[5:]  # the first load the model and the matrix
    workers.close()
    for name, clock in (("search", 0), ("search_cpu", 1)):
        ordered = sorted(each[clock] for each in took)
        yield f"{name}_p50_ms", round(ordered[len(ordered) // 2], 1)
        yield f"{name}_p95_ms", round(ordered[len(ordered) * 95 // 100], 1)


def times(library: Library, queries: Sequence[str]) -> list[tuple[float, float]]:
    """Return how long each search takes, and how much of it on a processor, in milliseconds."""
    took: list[tuple[float, float]] = []
    for query in queries:
        started, used = time.perf_counter(), time.process_time()
        find(library, query, 8)
        took.append(((time.perf_counter() - started) * 1e3, (time.process_time() - used) * 1e3))
    return took


def run() -> dict[str, float]:
    """Measure both."""
    with tempfile.TemporaryDirectory() as place:
        return dict(itertools.chain(rates(Path(place)), searches(Path(place))))


if __name__ == "__main__":
    from benchmarks.report import report

    report("meaning", run())
