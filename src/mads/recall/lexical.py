"""An index of the words of files: one SQLite file, filled and searched by any number of processes.

Identifiers are taken apart and words stemmed, so that prose finds code. A word in a symbol counts most, then one in a
path; what proves or tells of the code (tests, prose) counts less than the code.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from mads.recall.chunks import chunks
from mads.recall.files import File, read
from mads.recall.words import apart, keywords
from mads.store.sqlite import Connection, transaction

FORMAT = 2
"""The version of how files are cut for the tables; an index of any other, or with other tables, is made anew."""

_SCHEMA = (
    "CREATE TABLE surveyed (at_all INTEGER PRIMARY KEY)",
    """CREATE TABLE files (
    path TEXT PRIMARY KEY, changed_ns INTEGER NOT NULL, size INTEGER NOT NULL,
    is_done INTEGER NOT NULL, is_read INTEGER NOT NULL
) WITHOUT ROWID""",
    "CREATE INDEX files_to_do ON files (changed_ns) WHERE NOT is_done",
    """CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, first INTEGER NOT NULL, symbol TEXT NOT NULL, text TEXT NOT NULL
)""",
    "CREATE INDEX chunks_of_file ON chunks (path)",
    """CREATE VIRTUAL TABLE words USING fts5 (
    symbol, path, text, content='', contentless_delete=1, tokenize='porter unicode61'
)""",
)

_FIND = """
SELECT score, path, first, symbol, text FROM (
    SELECT chunk, score FROM (
        SELECT rowid AS chunk, -bm25(words, 8, 4, 1) AS score FROM words WHERE words MATCH ? LIMIT ?
    ) ORDER BY score DESC LIMIT ?
) JOIN chunks ON id = chunk ORDER BY score DESC
"""

_ROWS = 2_000
"""How many chunks a search weighs at most; words that more of them hold do not add chunks, only weight."""

_POOL = 100
"""How many of the best are then weighed by the kind of their file."""

_TEST = re.compile(r"(.*/)?((tests?|testing|benchmarks?)/.*|test_[^/]*|[^/]*_test\.\w+|conftest\.py)")
_PROSE = re.compile(r"(.*/)?docs?/.*|.*\.(md|markdown|rst|txt|lock|json|toml|ya?ml|cfg|ini)", re.IGNORECASE)

_ABOVE, _BELOW, _WIDTH = 2, 4, 200
"""The shape of an excerpt: lines above and below the one that fits, characters of each."""


class Hit(Struct, frozen=True):
    """A place that fits a query: the `line` of a file that fits best, in the function or section `symbol`."""

    path: str
    line: int
    symbol: str
    excerpt: str
    score: float


class _Row(NamedTuple):
    score: float
    path: str
    first: int
    symbol: str
    text: str


def prepare(db: Connection) -> None:
    """Make the tables of an index; those of another format are dropped."""
    if _is_current(db):
        return
    with transaction(db):
        if _is_current(db):  # another process was first
            return
        tables = db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        for (name,) in tables.fetchall():
            db.execute(f'DROP TABLE IF EXISTS "{name}"')
        db.execute(";".join(_SCHEMA)).fetchall()
        db.pragma("user_version", FORMAT)


def index(db: Connection, folder: Path, files: Iterable[File]) -> None:
    """Let the index hold what `files` of `folder` say now, in place of what they said before."""
    said = [(file, read(folder, file.path)) for file in files]
    cut = [(file, text is not None, chunks(file.path, text or "")) for file, text in said]
    with transaction(db):
        for file, is_read, pieces in cut:
            _drop(db, file.path)
            for _, first, _, symbol, text in pieces:
                db.execute(
                    "INSERT INTO chunks (path, first, symbol, text) VALUES (?, ?, ?, ?)",
                    (file.path, first, symbol, text),
                )
                db.execute(
                    "INSERT INTO words (rowid, symbol, path, text) VALUES (?, ?, ?, ?)",
                    (db.last_insert_rowid(), apart(symbol), apart(file.path), apart(text)),
                )
            db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, TRUE, ?)", (*file, is_read))


def remove(db: Connection, paths: Iterable[str]) -> None:
    """Let the index forget the files at `paths`."""
    with transaction(db):
        for path in paths:
            _drop(db, path)
            db.execute("DELETE FROM files WHERE path = ?", (path,))


def search(db: Connection, query: str, limit: int = 8) -> list[Hit]:
    """Return at most `limit` places that fit `query`, the best first; any text is a query, and none an error."""
    words = keywords(query)
    found: list[_Row] = []
    for match in _matches(db, words):
        rows = db.execute(_FIND, (match, _ROWS, max(limit, _POOL)))
        found = [_Row(score * _weight(path), path, *rest) for score, path, *rest in rows]
        if len(found) >= limit:
            break
    best = sorted(found, key=lambda row: -row.score)[:limit]
    lines = _best_lines(db, words, [row.text for row in best])
    return [
        Hit(row.path, row.first + at, row.symbol, _excerpt(row.text, at), float(f"{row.score:.4g}"))
        for row, at in zip(best, lines, strict=True)
    ]


def _is_current(db: Connection) -> bool:
    tables = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema").fetchall()}
    return db.pragma("user_version") == FORMAT and tables.issuperset(_SCHEMA)


def _drop(db: Connection, path: str) -> None:
    ids = db.execute("DELETE FROM chunks WHERE path = ? RETURNING id", (path,)).fetchall()
    db.executemany("DELETE FROM words WHERE rowid = ?", ids)


def _matches(db: Connection, words: Sequence[str]) -> Iterator[str]:
    """Yield full-text queries for any of `words`, the narrower first.

    Common words do not widen the narrow one: they only say which of the chunks with a rarer word, or with a common one
    in their symbol, fit better.
    """
    counts = {word: _count(db, word) for word in words}
    known = sorted((word for word in words if counts[word]), key=counts.__getitem__)
    rare = [
        word for word, total in zip(known, accumulate(map(counts.__getitem__, known)), strict=True) if total <= _ROWS
    ]
    common = known[len(rare) :]
    if common:
        narrow = [*([_any(rare)] if rare else []), f"{{symbol}}: {_any(common)}"]
        yield f"({' OR '.join(narrow)}) AND {_any(known)}"
    if known:
        yield _any(known)


def _any(words: Sequence[str]) -> str:
    """Return the full-text query for any of `words`, which are letters and digits, quoted."""
    return "(" + " OR ".join(f'"{word}"' for word in words) + ")"


def _count(db: Connection, word: str) -> int:
    """Return how many chunks hold `word`, or one more than `_ROWS` where it is more than that."""
    found = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (f'"{word}"', _ROWS + 1)
    )
    count: int = found.fetchall()[0][0]
    return count


def _weight(path: str) -> float:
    return 0.4 if _TEST.fullmatch(path) else 0.7 if _PROSE.fullmatch(path) else 1.0


def _best_lines(db: Connection, words: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Return for each of `texts` the line that fits `words` best, counted from 0."""
    if not texts:
        return []
    promising = re.compile("|".join(word[:3] for word in words), re.IGNORECASE)  # stemming leaves so much of a word
    places = [
        (number, at, line)
        for number, text in enumerate(texts)
        for at, line in enumerate(text.split("\n"))
        if promising.search(line)
    ]
    db.execute("DROP TABLE IF EXISTS temp.lines")
    db.execute("CREATE VIRTUAL TABLE temp.lines USING fts5 (text, tokenize='porter unicode61')")
    lines = json.dumps([apart(line) for *_, line in places])
    db.execute("INSERT INTO temp.lines (rowid, text) SELECT key, value FROM json_each(?)", (lines,))
    fitting = db.execute("SELECT rowid FROM temp.lines WHERE lines MATCH ? ORDER BY rank, rowid", (_any(words),))
    best: dict[int, int] = {}
    for row in fitting:
        number, at, _ = places[int(row[0])]
        best.setdefault(number, at)
    return [best.get(number, 0) for number in range(len(texts))]


def _excerpt(text: str, at: int) -> str:
    lines = text.split("\n")[max(0, at - _ABOVE) : at + _BELOW + 1]
    return "\n".join(line[:_WIDTH] for line in lines)
