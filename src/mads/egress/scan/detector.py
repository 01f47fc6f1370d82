"""Secrets by their form, looked for in linear time, and only where a word stands that texts of such a form have."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from mads.egress.scan.finding import Finding
from mads.egress.scan.forms import FORMS, Form
from mads.egress.scan.linear import compiled, either

CHANCE = 3.2
"""Bits of entropy that each character must have for a text to look like chance: words of a language have fewer."""

_WORDS_OF_NONE = (b"example", b"your", b"xxxx", b"placeholder", b"changeme", b"${", b"{{", b"<", b"****")


class Detector:
    """Finds what has one of `forms`; takes time in proportion to what is looked through, whatever that is."""

    def __init__(self, forms: Sequence[Form] = FORMS) -> None:
        patterns = [(form, compiled(form.pattern)) for form in forms]
        words = {word for form in forms for word in form.words}
        self._by_word = {
            word: [(form, pattern) for form, pattern in patterns if any(its in word for its in form.words)]
            for word in words
        }  # what is found first hides a word that lies within it
        self._words = either(sorted(words, key=len, reverse=True))

    def found(self, body: bytes) -> Iterator[Finding]:
        """Yield what looks like a secret in `body`."""
        words = {word.lower() for word in self._words.findall(body)}
        fitting = {form: pattern for word in words for form, pattern in self._by_word[word]}
        for form, pattern in fitting.items():
            for match in pattern.finditer(body):
                if form.kind != "assigned-secret" or _looks_like_chance(match[1]):
                    yield Finding(*match.span(1), form.kind, "secrets")


def _looks_like_chance(value: bytes) -> bool:
    """Return whether nobody would have written `value` for others to read: it mixes letters and digits."""
    small = value.lower()
    if any(word in small for word in _WORDS_OF_NONE) or value.isalpha() or value.isdigit():
        return False
    size = len(value)
    entropy = -sum(count / size * math.log2(count / size) for count in Counter(value).values())
    return entropy >= CHANCE and any(char in b"0123456789" for char in value)
