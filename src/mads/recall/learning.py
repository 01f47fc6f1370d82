"""Learn from the commits of a corpus how much each way of finding a file counts in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from mads.recall.embedding import is_installed
from mads.recall.kinds import kind_of
from mads.recall.localising import START, evidence
from mads.recall.tables import fact, note
from mads.store.sqlite import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Group = tuple[NDArray[np.float64], NDArray[np.float64]]

SAMPLE = 120
"""How many of the last commits are learned from."""

AFTER = 50
"""After so many further commits it is learned anew."""

FILES = 5
"""A commit that changed more files of code teaches nothing."""

_STEPS, _RATE, _PULL = 200, 0.1, 0.3
"""How long and how fast is learned, and how strongly the weights are held at those to begin with."""


def learn(db: Connection) -> bool:
    """Learn the weights of files from the last commits, each by those before it; return whether that was due."""
    [(last,)] = db.execute("SELECT coalesce(max(id), 0) FROM commits").fetchall()
    if last < int(fact(db, "learned at") or 0) + AFTER or not is_installed("numpy"):
        return False
    groups = [group for id_, message in _sample(db) for group in _group(db, id_, message)]
    if groups:
        note(db, "weights of ways", msgspec.json.encode(_fitted(groups)).decode())
    note(db, "learned at", str(last))
    return True


def _sample(db: Connection) -> list[tuple[int, str]]:
    found = db.execute("SELECT id, message FROM commits ORDER BY id DESC LIMIT ?", (SAMPLE,))
    return [(int(id_), str(message)) for id_, message in found.fetchall()]


def _group(db: Connection, id_: int, message: str) -> list[Group]:
    """Return what is known of the files of code that a commit may be about, and which it changed; none if too many."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    changed = {str(path) for (path,) in db.execute("SELECT path FROM changes WHERE made_by = ?", (id_,)).fetchall()}
    known = {path: row for path, row in evidence(db, message, before=id_).items() if kind_of(path) == "code"}
    right = np.array([path in changed for path in known], float)
    if not 1 <= right.sum() <= FILES:
        return []
    return [(np.array(list(known.values())), right / right.sum())]


def _fitted(groups: Sequence[Group]) -> list[float]:
    """Return the weights under which what was changed is likeliest, by gradient descent (Adam)."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    start = np.array(START)
    weights, drift, spread = start.copy(), np.zeros(len(START)), np.zeros(len(START))
    for step in range(1, _STEPS + 1):
        slope = _PULL * (weights - start)
        for known, right in groups:
            score = known @ weights
            share = np.exp(score - score.max())
            slope = slope + (share / share.sum() - right) @ known / len(groups)
        drift = 0.9 * drift + 0.1 * slope
        spread = 0.99 * spread + 0.01 * slope**2
        weights = weights - _RATE * (drift / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-8)
    return [float(weight) for weight in weights.round(3)]
