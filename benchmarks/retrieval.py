"""How well code is found by what people type: queries with one right function each, in a corpus of functions.

    python -m benchmarks.retrieval --queries FILE --corpus FILE [--index FOLDER]

Both files are in the form of CoSQA: the queries a JSON list of objects with `doc`, the query, and `retrieval_idx`, the
number of the right function; the corpus a JSON object of each function's code and its number. Without arguments they
are those of `$MADS_DATA/cosqa` (`../shared/data` where that is not set).

Each function is a file of a folder, which is indexed and searched as Dewey does. Nothing is learned from the queries
that are asked. The three weights of `mads.recall.fusion` were found on CoSQA's development queries, which are those by
default: any other file is held out, that one is not. `--index` keeps the index, so that
the next run of the same corpus finds its vectors.
"""

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mads.recall.asking import find
from mads.recall.library import Library, with_index
from mads.recall.upkeep import advance, survey
from mads.recall.vectors import enrich

DATA = Path(os.environ.get("MADS_DATA", "../shared/data")) / "cosqa"
SLICE = 10.0
DEEP = 50
"""How many hits are looked through for the right one; where it is not among them, its rank counts as infinite."""


class Query(NamedTuple):
    """What is asked, and the number of the function that is right."""

    text: str
    right: int


def queries(path: Path) -> list[Query]:
    """Read the queries; raise `ValueError` where there are none."""
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        found = [Query(str(row["doc"]), int(row["retrieval_idx"])) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} holds no queries: {error!r}; --help says in which form") from error
    if not found:
        raise ValueError(f"{path} holds no queries")
    return found


def functions(path: Path) -> dict[str, int]:
    """Read the functions, each with its number; raise `ValueError` where there are none."""
    try:
        found = {str(code): int(number) for code, number in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no functions: {error!r}; --help says in which form") from error
    if not found:
        raise ValueError(f"{path} holds no functions")
    return found


def spread(corpus: dict[str, int], folder: Path) -> None:
    """Write each function of `corpus` to a file of its own, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, number in corpus.items():
        path = folder / f"{number}.py"
        if not path.exists() or path.read_text(encoding="utf-8") != code:
            path.write_text(code, encoding="utf-8")


def fill(library: Library) -> None:
    """Bring the index in step with its folder, vectors and all."""
    survey(library)
    while not advance(library, SLICE).is_complete:
        pass
    while left := with_index(library, lambda db: enrich(db, SLICE)):
        print(f"  {left} functions without a vector", flush=True)


def rank(library: Library, query: Query) -> float:
    """Return at which place the right function comes, from 1."""
    hits = find(library, query.text, DEEP).hits
    paths = [path for hit in hits for path in (hit.path, *(place.rpartition(":")[0] for place in hit.also))]
    order = list(dict.fromkeys(paths))
    right = f"{query.right}.py"
    return order.index(right) + 1 if right in order else math.inf


def figures(ranks: Sequence[float], times: Sequence[float]) -> dict[str, float]:
    """Return what is made of the ranks: with one right answer, the ideal gain is 1."""
    gains = [1 / math.log2(1 + rank) if rank <= 10 else 0.0 for rank in ranks]  # noqa: PLR2004  NDCG@10
    return {
        "queries": len(ranks),
        "ndcg_at_10": round(sum(gains) / len(ranks), 4),
        "mrr": round(sum(1 / rank for rank in ranks) / len(ranks), 4),
        "search_p50_ms": round(sorted(times)[len(times) // 2] * 1e3, 1),
        "search_p95_ms": round(sorted(times)[len(times) * 95 // 100] * 1e3, 1),
    }


def run(asked: Sequence[Query], corpus: dict[str, int], index: Path) -> dict[str, float]:
    """Index the corpus and ask every query."""
    library = Library(str(index / "functions"), str(index))
    spread(corpus, Path(library.folder))
    fill(library)
    find(library, "warm", 1)
    ranks: list[float] = []
    times: list[float] = []
    for query in asked:
        started = time.perf_counter()
        ranks.append(rank(library, query))
        times.append(time.perf_counter() - started)
    return figures(ranks, times)


def main() -> None:
    from benchmarks.report import report  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=Path, default=DATA / "cosqa-retrieval-dev-500.json")
    parser.add_argument("--corpus", type=Path, default=DATA / "code_idx_map.txt")
    parser.add_argument("--index", type=Path)
    told = parser.parse_args()
    for path in (told.queries, told.corpus):
        if not path.is_file():
            parser.exit(2, f"{path} is not there; name it, or set MADS_DATA to the folder that holds cosqa/\n")
    try:
        asked, corpus = queries(told.queries), functions(told.corpus)
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    with tempfile.TemporaryDirectory() as made:
        report("retrieval", run(asked, corpus, told.index or Path(made)))


if __name__ == "__main__":
    main()
