"""The passages of one page that fit a query best."""

from __future__ import annotations

import math
import re
from collections import Counter

from mads.duos.marco.found import Passage
from mads.recall.words import apart, keywords

LONGEST = 1_200
"""How many characters a passage has at most."""


def best(text: str, query: str, limit: int) -> list[Passage]:
    """Return the passages of a Markdown text that fit `query` best, at most `limit`, the best first."""
    words = keywords(query)
    found = [(passage, _counted(f"{passage.text} {passage.heading}")) for passage in _cut(text)]
    rare = {word: math.log1p(len(found) / (1 + sum(bool(_often(word, it)) for _, it in found))) for word in words}
    scored = [(sum(math.log1p(_often(word, it)) * rare[word] for word in words), passage) for passage, it in found]
    return [passage for score, passage in sorted(scored, key=lambda it: -it[0])[:limit] if score > 0]


def _counted(text: str) -> Counter[str]:
    return Counter(re.findall(r"[^\W_]+", apart(text).lower()))


def _often(word: str, counts: Counter[str]) -> int:
    """Return how often a word stands there, in the plural too."""
    return counts[word] + counts[f"{word}s"] + (counts[word[:-1]] if word.endswith("s") else 0)


def _cut(text: str) -> list[Passage]:
    passages: list[Passage] = []
    heading, held = "", ""
    for block in text.split("\n\n"):
        if block.startswith("#"):
            if held:
                passages.append(Passage(held, heading))
            heading, held = block.lstrip("# "), ""
        elif len(held) + len(block) > LONGEST and held:
            passages.append(Passage(held, heading))
            held = block[:LONGEST]
        else:
            held = f"{held}\n\n{block[:LONGEST]}".strip()
    return [*passages, Passage(held, heading)] if held else passages
