"""How fast a folder is indexed and searched, at 50,000 chunks, beside a scan of its files for the same words.

Half of the folder is installed Python code, half is made of words as unevenly frequent as those of a language. A search
is timed as Dewey's child process does it: open the index, search, see that the files are still there. `folder_tokens`
is what a model would be asked with that is told the whole folder, `found_p99_tokens` what it is asked with that is told
the eight places that are found, at four bytes a token.
"""

import itertools
import json
import random
import re
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from mads.recall.asking import find
from mads.recall.files import listing, read
from mads.recall.library import Library
from mads.recall.upkeep import advance, survey
from mads.recall.words import keywords
from mads.store.sqlite import connect

CHUNKS = 50_000
REAL_BYTES = 12_000_000
FUNCTIONS = 20
QUERIES = 100
SCANS = 3
SLICE = 0.4
TOKEN = 4

chance = random.Random(1)  # noqa: S311  the same folder every time
WORDS = ["".join(chance.choices("aeioulnrst", k=4 + chance.randrange(6))) for _ in range(20_000)]
WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


def some(count: int) -> list[str]:
    """Return words as they come in prose: the second half as often as the first, the third a third as often."""
    return chance.choices(WORDS, cum_weights=WEIGHTS, k=count)


def real_files() -> Iterator[str]:
    """Yield the code that is installed here, at most `REAL_BYTES` of it."""
    installed, left = Path(sysconfig.get_path("purelib")), REAL_BYTES
    for file in listing(installed):
        text = read(installed, file.path) if file.path.endswith(".py") else None
        if text is not None and left > 0:
            left -= file.size
            yield text


def made_files(count: int) -> Iterator[str]:
    """Yield `count` modules of `FUNCTIONS` functions each."""
    for _ in range(count):
        yield "".join(
            f'def {"_".join(some(2))}({", ".join(some(2))}):\n    """{" ".join(some(12))}."""\n'
            + "".join(f"    {' = '.join(some(2))}\n" for _ in range(10))
            for _ in range(FUNCTIONS)
        )


def add(folder: Path, texts: Iterator[str]) -> None:
    """Write `texts` to files in a new folder of `folder`."""
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"m{number}.py").write_text(text, encoding="utf-8")


def fill(library: Library) -> float:
    """Bring the index in step with its folder and return the seconds that took."""
    started = time.perf_counter()
    survey(library)
    while not advance(library, SLICE).is_complete:
        pass
    return time.perf_counter() - started


def scan(folder: Path, query: str) -> list[tuple[int, str]]:
    """Return the places in whose lines most of the words of `query` stand, without an index."""
    words = re.compile("|".join(keywords(query)), re.IGNORECASE)
    found = [
        (len({word.lower() for word in words.findall(line)}), f"{file.path}:{number}")
        for file in listing(folder)
        for number, line in enumerate((read(folder, file.path) or "").split("\n"), 1)
        if words.search(line)
    ]
    return sorted(found, reverse=True)[:8]


def timed(search: Callable[[str], object], queries: list[str]) -> float:
    """Return the median time of one query, in milliseconds."""
    times: list[float] = []
    for query in queries:
        started = time.perf_counter()
        search(query)
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1e3, 2)


def run() -> dict[str, float]:
    """Measure the index and the scan on one folder."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "folder"
        library = Library(str(folder), str(Path(place) / "index"))
        folder.mkdir()
        add(folder / "real", real_files())
        seconds = fill(library)
        add(folder / "made", made_files(max(0, CHUNKS - count(library)) // FUNCTIONS))
        seconds += fill(library)
        questions = [
            f"where is the {' '.join(words)}" for words in (some(chance.randint(1, 5)) for _ in range(QUERIES))
        ]
        common = [" ".join(chance.sample([*WORDS[:10], "self", "return", "import", "none"], 3)) for _ in range(QUERIES)]
        figures = {
            "chunks": count(library),
            "chunks_per_s": round(count(library) / seconds),
            "search_p50_ms": timed(lambda query: find(library, query, 8), questions),
            "search_common_p50_ms": timed(lambda query: find(library, query, 8), common),
            "folder_tokens": sum(file.size for file in listing(folder)) // TOKEN,
            "found_p99_tokens": sorted(told(library, query) for query in questions)[QUERIES * 99 // 100],
            "scan_p50_ms": timed(lambda query: scan(folder, query), questions[:SCANS]),
        }
    return figures | {"scan_vs_search_ratio": round(figures["scan_p50_ms"] / figures["search_p50_ms"], 1)}


def told(library: Library, query: str) -> int:
    """Return how many tokens the places are that are found."""
    return len(json.dumps(msgspec.to_builtins(find(library, query, 8).hits))) // TOKEN


def count(library: Library) -> int:
    """Return how many chunks the index holds."""
    db = connect(library.index_path(), readonly=True)
    [(chunks,)] = db.execute("SELECT count(*) FROM chunks").fetchall()
    db.close()
    return int(chunks)


if __name__ == "__main__":
    from benchmarks.report import report

    report("recall", run())
