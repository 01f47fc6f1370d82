"""Find chunks by their words.

Identifiers are taken apart and words stemmed, so that prose finds code. A word in a symbol counts most, then one in a
path; what proves or tells of the code (tests, prose) counts less than the code.
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from mads.recall.kinds import KINDS, WEIGHTS, Kind
from mads.recall.tables import Reader
from mads.recall.words import apart
from mads.store.sqlite import Connection

_ROWS = 1_000
"""How many chunks a search weighs at most; words that more of them hold do not add chunks, only weight."""

_MANY = 20_000
"""With fewer chunks than that, no word is held by so many that it takes long to weigh."""

POOL = 100
"""How many of the best are then weighed by the kind of their file."""


def matching(
    db: Connection, words: Sequence[str], limit: int, reader: Reader, kinds: Sequence[Kind] = KINDS
) -> dict[int, float]:
    """Return the ids of chunks of these kinds that hold some of `words`, the best first, with how well they fit.

    There are enough for `limit` hits, where so many hold any of `words`.
    """
    allowed, bindings = reader.allowed("chunks.path", "chunks.tenant")
    among = ", ".join("?" for _ in kinds)
    find = f"""
SELECT id, kind, score FROM (
    SELECT id, kind, -bm25(words, 8, 4, 1) AS score FROM words CROSS JOIN chunks ON id = words.rowid
    WHERE words MATCH ? AND kind IN ({among}) AND {allowed} LIMIT ?
) ORDER BY score DESC LIMIT ?
"""  # noqa: S608  the conditions are ours
    best: dict[int, float] = {}
    for match in _matches(db, words):
        rows = db.execute(find, (match, *kinds, *bindings, _ROWS, max(limit, POOL)))
        weighed = sorted(((score * WEIGHTS[kind], id_) for id_, kind, score in rows), reverse=True)
        best = {id_: score for score, id_ in weighed}
        if len(best) >= limit:
            break
    return best


def best_lines(db: Connection, words: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Return for each of `texts` the line that fits `words` best, counted from 0."""
    if not texts or not words:
        return [0] * len(texts)
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
    fitting = db.execute("SELECT rowid FROM temp.lines WHERE lines MATCH ? ORDER BY rank, rowid", (any_of(words),))
    best: dict[int, int] = {}
    for row in fitting:
        number, at, _ = places[int(row[0])]
        best.setdefault(number, at)
    return [best.get(number, 0) for number in range(len(texts))]


def any_of(words: Sequence[str]) -> str:
    """Return the full-text query for any of `words`, which are letters and digits, quoted."""
    return "(" + " OR ".join(f'"{word}"' for word in words) + ")"


def _matches(db: Connection, words: Sequence[str]) -> Iterator[str]:
    """Yield full-text queries for any of `words`, the narrower first.

    Common words do not widen the narrow one: they only say which of the chunks with a rarer word, or with a common one
    in their symbol, fit better. Those that most chunks hold say nothing (their weight in BM25 is nought, which it takes
    a walk over all of these chunks to find), and are left out where there are others.
    """
    counts = {word: _count(db, word) for word in words}
    held = sorted((word for word in words if counts[word]), key=counts.__getitem__)
    common = [word for word in held if counts[word] > _ROWS]
    everywhere = [word for word in common if _is_everywhere(db, word)] if _are_many(db) else []
    known = [word for word in held if word not in everywhere] or held
    rare = [
        word for word, total in zip(known, accumulate(map(counts.__getitem__, known)), strict=True) if total <= _ROWS
    ]
    common = known[len(rare) :]
    if common:
        narrow = [*([any_of(rare)] if rare else []), f"{{symbol}}: {any_of(common)}"]
        yield f"({' OR '.join(narrow)}) AND {any_of(known)}"
    if known:
        yield any_of(known)


def _are_many(db: Connection) -> bool:
    found = db.execute("SELECT max(id) FROM words_docsize").fetchall()[0][0]
    return (found or 0) > _MANY


def _is_everywhere(db: Connection, word: str) -> bool:
    """Return whether most chunks hold `word`, a common one, as far as the first that hold it show."""
    last = "SELECT max(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)"
    seen = db.execute(f"SELECT count(*) FROM words_docsize WHERE id <= ({last})", (f'"{word}"', _ROWS))  # noqa: S608
    among: int = seen.fetchall()[0][0]
    return among < 2 * _ROWS


def _count(db: Connection, word: str) -> int:
    """Return how many chunks hold `word`, or one more than `_ROWS` where it is more than that."""
    found = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (f'"{word}"', _ROWS + 1)
    )
    count: int = found.fetchall()[0][0]
    return count
