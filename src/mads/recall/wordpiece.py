"""Text as the numbers that a BERT model without case reads: words, and where a word is unknown, its known pieces.

The vocabulary beside this file is that of BERT (uncased), by Google, under the Apache License 2.0.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CLS, SEP, UNKNOWN = 101, 102, 100
"""The numbers of what stands before a text, of what stands after it, and of a word of which no piece is known."""

_LONGEST = 100
"""A word of more characters is unknown."""

_REMEMBERED = 50_000
"""How many words are kept with their pieces."""

_CJK = "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f"
_PART = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+|[^\w\s]|_")


class WordPiece:
    """Turns texts into numbers; remembers the pieces of the words it has seen last."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, ...]] = {}
        self._vocabulary = _vocabulary()

    def numbers(self, text: str, most: int) -> list[int]:
        """Return at most `most` numbers, two of which mark where the text begins and ends."""
        found = [CLS]
        for word in _words(text, most):
            found += self._pieces(word)
            if len(found) >= most:
                break
        return [*found[: most - 1], SEP]

    def _pieces(self, word: str) -> tuple[int, ...]:
        """Return the numbers of the longest pieces of `word` that are known, from its beginning on."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[word] = tuple(self._taken_apart(word))
        return known

    def _taken_apart(self, word: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(word) <= _LONGEST:
            for end in range(len(word), start, -1):
                number = self._vocabulary.get(f"##{word[start:end]}" if start else word[:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [UNKNOWN]
        return found or [UNKNOWN]


def _words(text: str, most: int) -> Iterator[str]:
    """Yield the words of the first lines of `text`, in small letters without accents, and each sign for itself."""
    plain = text[: 40 * most].lower()
    if not plain.isascii():
        plain = "".join(sign for sign in unicodedata.normalize("NFD", plain) if unicodedata.category(sign) != "Mn")
    return (match[0] for match in _PART.finditer(plain))


@cache
def _vocabulary() -> dict[str, int]:
    words = Path(__file__).with_name("vocabulary.txt").read_text(encoding="utf-8").split("\n")
    return {word: number for number, word in enumerate(words[:-1])}
