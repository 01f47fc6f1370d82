"""One score of several: how much each way of finding a chunk counts in this corpus."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from mads.recall.tables import fact
from mads.store.sqlite import Connection


class Weights(Struct, frozen=True):
    """What is added to a chunk's cosine: so much for its words, as a share of the best match."""

    words: float = 0.1


def weights(db: Connection) -> Weights:
    """Return the weights that were learned on this corpus, or those to begin with."""
    told = fact(db, "weights")
    return msgspec.json.decode(told, type=Weights) if told else Weights()


def fused(lexical: Mapping[int, float], meant: Mapping[int, float], weighed: Weights) -> dict[int, float]:
    """Return one score for each chunk that was found either way; one without a vector is taken for the farthest."""
    best = max(lexical.values(), default=1.0)
    farthest = min(meant.values())
    return {
        id_: meant.get(id_, farthest) + weighed.words * lexical.get(id_, 0.0) / best for id_ in {**meant, **lexical}
    }
