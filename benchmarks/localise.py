"""How well the files are found that a commit changed, by its message: `python -m benchmarks.localise --repo DIR`.

The repository is cloned beside, and its history walked forward: each query is the message of a commit, asked of an
index of its parent, which knows no later commit. Asked are the last commits, no merges, that changed one to five files
of code (what the parent has, and is neither test nor document); ranked are all files of code. `recall_at_5` is the mean
share of the changed files among the first five; `hit_at_5` counts commits of which at least one is. How much each kind
of evidence counts is learned from the commits before the first query, anew after each fifty. With `--vectors` the
meaning of the code counts as well, which takes a minute for each 1,500 functions.
"""

import argparse
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mads.recall.history import follow
from mads.recall.kinds import kind_of
from mads.recall.learning import FILES, learn
from mads.recall.library import Library, with_index
from mads.recall.localising import likely
from mads.recall.upkeep import advance, survey
from mads.recall.vectors import enrich
from mads.store.sqlite import Connection

QUERIES = 200
FIRST = 5
SLICE = 10.0

COMMIT = re.compile(r"\0\0([0-9a-f]{40,64})\0([^\0]*)\0\0?\n?((?:[^\0]+\0)*)")


class Change(NamedTuple):
    """A commit by its parent, its message, and the files of code that it changed."""

    parent: str
    message: str
    files: frozenset[str]


def git(folder: Path, *arguments: str) -> str:
    """Return what git says."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607
    return done.stdout.decode(errors="replace")


def changes(folder: Path) -> Iterator[Change]:
    """Yield the commits that may be asked for, the last first."""
    told = git(folder, "log", "--no-merges", "--no-renames", "--diff-filter=MD", "--name-only", "-z",
               "--format=%x00%x00%P%x00%B%x00", "--max-count=5000")  # fmt: skip
    for parent, message, names in COMMIT.findall(told):
        files = frozenset(name for name in names.split("\0") if name and kind_of(name) == "code")
        yield Change(parent, message, files)


def asked(folder: Path, count: int) -> list[Change]:
    """Return the last `count` commits that fit, the oldest first."""
    fitting = (change for change in changes(folder) if 1 <= len(change.files) <= FILES and change.parent)
    return [change for change, _ in zip(fitting, range(count), strict=False)][::-1]


def step(db: Connection, folder: Path, *, vectors: bool) -> None:
    """Bring what the index knows of history and meaning in step with the folder."""
    follow(db, folder)
    while vectors and enrich(db, SLICE):
        print("  vectors are being made", flush=True)
    learn(db)


def run(repository: Path, count: int, *, vectors: bool) -> dict[str, float]:
    """Walk the history."""
    shares: list[float] = []
    times: list[float] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "work"
        subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", repository, folder], check=True)  # noqa: S607
        library = Library(str(folder), made)
        for change in asked(folder, count):
            git(folder, "checkout", "--quiet", "--force", change.parent)
            survey(library)
            while not advance(library, SLICE).is_complete:
                pass
            with_index(library, lambda db: step(db, folder, vectors=vectors))
            started = time.perf_counter()
            found = with_index(library, partial(likely, message=change.message, limit=FIRST))
            times.append(time.perf_counter() - started)
            shares.append(len(change.files & set(found)) / len(change.files))
        return figures(shares, times, len(git(folder, "ls-files").splitlines()))


def figures(shares: Sequence[float], times: Sequence[float], files: int) -> dict[str, float]:
    """Return the means."""
    return {
        "files": files,
        "queries": len(shares),
        "recall_at_5": round(sum(shares) / max(1, len(shares)), 4),
        "hit_at_5": round(sum(map(bool, shares)) / max(1, len(shares)), 4),
        "localise_p50_ms": round(sorted(times)[len(times) // 2] * 1e3, 1) if times else 0.0,
    }


def main() -> None:
    """Measure the repository that is named."""
    from benchmarks.report import report  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--vectors", action="store_true")
    told = parser.parse_args()
    try:
        found = run(told.repo.resolve(), told.queries, vectors=told.vectors)
    except subprocess.CalledProcessError as error:
        parser.exit(2, f"{told.repo} is no repository whose history can be walked: git says {error.returncode}\n")
    if not found["queries"]:
        parser.exit(2, f"no commit of {told.repo} can be asked for: none changed one to {FILES} files of code\n")
    report("localise", found)


if __name__ == "__main__":
    main()
