"""Find the places that fit a query: what was found by each way, weighed together, each place once."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from mads.recall.fusion import fused, share
from mads.recall.kinds import KINDS, Kind
from mads.recall.lexical import best_lines, matching
from mads.recall.tables import EVERYONE, Reader
from mads.recall.vectors import asked, near
from mads.recall.words import keywords
from mads.store.sqlite import Connection

_ABOVE, _BELOW, _WIDTH = 2, 4, 200
"""The shape of an excerpt: lines above and below the one that fits, characters of each."""

SPARE = 3
"""How many times as many chunks as are asked for are looked at, since some say the same."""

_ALIKE = 0.9
"""The share of words in common, in their order, from which two texts say the same."""

_WORD = re.compile(r"\w+")


class Hit(Struct, frozen=True):
    """A place that fits a query: the `line` of a file that fits best, in the function or section `symbol`.

    It stands in lines `first` to `last`, whose text has the hash `revision`; `also` are places that say the same.
    """

    path: str
    line: int
    symbol: str
    excerpt: str
    score: float
    first: int
    last: int
    kind: Kind
    revision: str
    also: tuple[str, ...] = ()


class _Row(NamedTuple):
    score: float
    path: str
    first: int
    last: int
    symbol: str
    kind: Kind
    digest: bytes
    text: str


def search(
    db: Connection, query: str, limit: int = 8, reader: Reader = EVERYONE, kinds: Sequence[Kind] = KINDS
) -> list[Hit]:
    """Return at most `limit` places that fit `query`, the best first; any text is a query, and none an error."""
    words, answer = keywords(query), asked(db, query)
    lexical = matching(db, words, limit, reader, kinds)  # while the model is at work
    meant = answer()
    close = near(db, meant, reader, kinds, list(lexical)) if meant else {}
    scores = fused(db, meant.meaning, lexical, close, share(db)) if meant and close else lexical
    best = _apart(_rows(db, scores, SPARE * limit), limit)
    lines = best_lines(db, words, [row.text for row, _ in best])
    return [
        Hit(
            path=row.path,
            line=row.first + at,
            symbol=row.symbol,
            excerpt=_excerpt(row.text, at),
            score=float(f"{row.score:.4g}"),
            first=row.first,
            last=row.last,
            kind=row.kind,
            revision=row.digest.hex()[:12],
            also=tuple(f"{other.path}:{other.first}" for other in others),
        )
        for (row, others), at in zip(best, lines, strict=True)
    ]


def _rows(db: Connection, scores: dict[int, float], limit: int) -> list[_Row]:
    """Return the `limit` best of these chunks, the best first."""
    among = ", ".join(map(str, sorted(scores, key=lambda id_: -scores[id_])[:limit]))
    found = db.execute(
        f"SELECT id, path, first, last, symbol, kind, digest, text FROM chunks WHERE id IN ({among})"  # noqa: S608
    )
    rows = [_Row(scores[id_], *row) for id_, *row in found]
    return sorted(rows, key=lambda row: (-row.score, row.path, row.first))


def _apart(rows: list[_Row], limit: int) -> list[tuple[_Row, list[_Row]]]:
    """Return the first `limit` of `rows` that say something of their own, each with those that say the same."""
    kept: list[tuple[_Row, list[_Row]]] = []
    said: list[frozenset[tuple[str, ...]]] = []
    for row in rows:
        sequences = _sequences(row.text)
        twin = next((at for at, other in enumerate(said) if _is_alike(sequences, other)), None)
        if twin is not None:
            kept[twin][1].append(row)
        elif len(kept) < limit:
            kept.append((row, []))
            said.append(sequences)
    return kept


def _sequences(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text) or [text]
    return frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset({tuple(words)})


def _is_alike(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    if min(len(one), len(other)) < _ALIKE * max(len(one), len(other)):
        return False
    return len(one & other) >= _ALIKE * len(one | other)


def _excerpt(text: str, at: int) -> str:
    lines = text.split("\n")[max(0, at - _ABOVE) : at + _BELOW + 1]
    return "\n".join(line[:_WIDTH] for line in lines)
