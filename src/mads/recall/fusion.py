"""One score of several ways to find a passage; the best are looked at again, word by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from mads.recall.embedding import DEPTH, Meaning
from mads.recall.matrix import matrix, unpacked
from mads.recall.tables import fact
from mads.store.sqlite import Connection

BEST = 30
"""How many of the best are looked at again."""

WORDS, CROWD, PIECES = 0.05, 0.5, 0.6
"""What counts beside the cosine, found on the 500 development queries of CoSQA.

The words in common, as a share of the best match (unless another was learned from the corpus); against it, how crowded
it is round the passage; and how near its words are to those of the query.
"""

SHARE = "share of words"
"""Under what the share is noted that was learned."""


def fused(
    db: Connection, meaning: Meaning, lexical: Mapping[int, float], meant: Mapping[int, float], share: float
) -> dict[int, float]:
    """Return one score for each chunk that was found either way; one without a vector is as near as its words fit.

    `share` is what the words in common count at most.
    """
    best = max(lexical.values(), default=1.0)
    fit = {id_: lexical.get(id_, 0.0) / best for id_ in {**meant, **lexical}}
    guessed = _guessed(meant, fit)
    scores = {id_: guessed[id_] + share * fits for id_, fits in fit.items()}
    first = sorted(scores, key=lambda id_: -scores[id_])[:BEST]
    closer = _guessed(_closer(db, meaning, first), {id_: fit[id_] for id_ in first})
    ahead = max(scores.values()) + 1.0  # whoever was looked at twice comes before whoever was not
    return scores | {id_: scores[id_] + closer[id_] + ahead for id_ in first}


def _guessed(known: Mapping[int, float], fit: Mapping[int, float]) -> dict[int, float]:
    """Return what is known of each, and of the others a value between the least and the most, as their words fit."""
    least, most = min(known.values(), default=0.0), max(known.values(), default=0.0)
    return {id_: known.get(id_, least + fits * (most - least)) for id_, fits in fit.items()}


def share(db: Connection) -> float:
    """Return how much words count in this corpus."""
    return float(fact(db, SHARE) or WORDS)


def _closer(db: Connection, meaning: Meaning, ids: list[int]) -> dict[int, float]:
    """Return what a second look adds to the score of those chunks that have a vector."""
    rows = db.execute(
        "SELECT chunks.id, vector, words FROM chunks JOIN vectors USING (digest)"  # noqa: S608  they are numbers
        f" WHERE chunks.id IN ({', '.join(map(str, ids))})"
    ).fetchall()
    crowded = matrix(db).crowding(unpacked([vector for _, vector, _ in rows]))
    alike = _likeness(meaning, [words for *_, words in rows])
    return {
        id_: PIECES * like - CROWD * float(crowd) for (id_, *_), like, crowd in zip(rows, alike, crowded, strict=True)
    }


def _likeness(meaning: Meaning, texts: Sequence[bytes]) -> list[float]:
    """Return for each text the mean cosine of each word of the query and the one nearest to it (late interaction)."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    said = [place for place, words in enumerate(texts) if words]
    likeness = [0.0] * len(texts)
    if not said or not len(meaning.words):
        return likeness
    near = meaning.words @ unpacked([texts[place] for place in said], DEPTH).T
    ends = [*accumulate(len(texts[place]) // DEPTH for place in said)]
    for place, words in zip(said, np.split(near, ends[:-1], axis=1), strict=True):
        likeness[place] = float(words.max(axis=1).mean())
    return likeness
