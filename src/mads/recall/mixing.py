"""Learn from the commits of a corpus how much words count beside meaning when it is searched.

Each of the last commits asks by its first line, and what stands in the files of code that it changed is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mads.recall.embedding import embedder
from mads.recall.fusion import SHARE, WORDS, fused
from mads.recall.kinds import kind_of
from mads.recall.learning import AFTER, FILES
from mads.recall.lexical import matching
from mads.recall.matrix import matrix
from mads.recall.tables import EVERYONE, fact, note
from mads.recall.vectors import around, left, near
from mads.recall.words import keywords
from mads.store.sqlite import Connection

SHARES = (0.0, 0.02, WORDS, 0.1, 0.2, 0.4)
"""The shares of words that are tried; none higher, since a text knows the words of its own commit already."""

SAMPLE, LEAST, GAIN = 60, 20, 0.01
"""Of how many commits, of how many at least, and by how much the mean reciprocal rank must be better to count."""


def mix(db: Connection) -> bool:
    """Learn the share of words, once all has its meaning and anew after some commits; return whether that was due."""
    [(last,)] = db.execute("SELECT coalesce(max(id), 0) FROM commits").fetchall()
    if last < int(fact(db, "mixed at") or 0) + AFTER or left(db) or embedder() is None:
        return False
    gains: dict[float, list[float]] = {share: [] for share in SHARES}
    for subject, right in _asked(db):
        for share, gain in _gains(db, subject, right).items():
            gains[share].append(gain)
    note(db, SHARE, str(best(gains)))
    note(db, "mixed at", str(last))
    return True


def best(gains: Mapping[float, Sequence[float]]) -> float:
    """Return the share under which what is right comes first; what holds everywhere, where that is hardly worse."""
    if len(gains[WORDS]) < LEAST:
        return WORDS
    means = {share: sum(each) / len(each) for share, each in gains.items()}
    first = max(means, key=lambda share: (means[share], -abs(share - WORDS)))
    return first if means[first] >= means[WORDS] + GAIN else WORDS


def _asked(db: Connection) -> Iterator[tuple[str, set[int]]]:
    """Yield the first lines of the last commits, and the passages of the files of code that each changed."""
    found = db.execute("SELECT id, message FROM commits ORDER BY id DESC LIMIT ?", (SAMPLE,)).fetchall()
    for id_, message in found:
        changed = db.execute("SELECT path FROM changes WHERE made_by = ?", (id_,)).fetchall()
        code = [path for (path,) in changed if kind_of(path) == "code"]
        right = {
            int(chunk)
            for path in code
            for (chunk,) in db.execute("SELECT id FROM chunks WHERE path = ?", (path,)).fetchall()
        }
        if right and len(code) <= FILES:
            yield message.partition("\n")[0], right


def _gains(db: Connection, subject: str, right: set[int]) -> dict[float, float]:
    """Return for each share the reciprocal of the place at which something right comes."""
    model = embedder()
    words = keywords(subject)
    if model is None or not words:
        return {}
    meaning, lexical = model.meaning(subject), matching(db, words, 1, EVERYONE)
    meant = near(db, around(matrix(db), meaning), EVERYONE, also=list(lexical))
    gains: dict[float, float] = {}
    for share in SHARES if meant else ():
        scores = fused(db, meaning, lexical, meant, share)
        order = sorted(scores, key=lambda id_: (-scores[id_], id_))
        gains[share] = next((1 / place for place, id_ in enumerate(order, 1) if id_ in right), 0.0)
    return gains
