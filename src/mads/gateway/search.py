"""Three tools in place of hundreds: search for one, read what it takes, call it. What may be called may be found."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mads.gateway.names import CALL, DESCRIBE, SEARCH
from mads.gateway.offer import Offer
from mads.recall.words import apart, keywords
from mads.wire.errors import InvalidMessage
from mads.wire.tools import ToolInfo

FOUND, MOST = 10, 50
"""How many tools a search returns, unless it asks for more, and at most."""

NAMED = 3
"""How much more a word counts in a tool's name than in what is said of it."""

_K, _B = 1.2, 0.75  # the usual constants of BM25
_ENDING = re.compile(r"(?<=[a-z]{3})(ing|ed|es|s)$")
_NAME = {"type": "string", "description": "The tool's name, as search_tools returns it."}
_HINTS = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True}


def listing() -> list[dict[str, Any]]:
    """Return what is listed in the place of the tools."""
    text = {"type": "string", "description": "What the tool should do, in a few words."}
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": FOUND}
    arguments = {"type": "object", "description": "The tool's arguments, as describe_tool tells them."}
    return [
        _told(CALL, "Call a tool by its name.", {"name": _NAME, "arguments": arguments}, "name"),
        _told(DESCRIBE, "Return what a tool does, takes and returns.", {"name": _NAME}, "name", annotations=_HINTS),
        _told(
            SEARCH,
            "Find tools by what they do, the best first. There are more tools than are listed: search before you say "
            "that something cannot be done.",
            {"query": text, "limit": limit},
            "query",
            annotations=_HINTS,
        ),
    ]


def _told(name: str, description: str, properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema, **more}


def inner(name: Any, arguments: object) -> tuple[Any, Any]:
    """Return the tool that is called, and its arguments, where that is done by `call_tool`."""
    said: Any = arguments
    if name == CALL and isinstance(arguments, dict):
        return said.get("name"), said.get("arguments") or {}
    return name, said


class Search:
    """The tools of one view, found by words: BM25 over their names, what is said of them, and what they take."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self._texts = [(offer, _words(offer)) for offer in offers]
        self._mean = sum(counts.total() for _, counts in self._texts) / max(len(self._texts), 1)
        self._holding = Counter(word for _, counts in self._texts for word in counts)

    def found(self, arguments: Mapping[str, Any], shows: Callable[[ToolInfo], bool]) -> dict[str, Any]:
        """Return the tools that fit a query best, of those that are shown."""
        query, limit = arguments.get("query"), arguments.get("limit", FOUND)
        if not isinstance(query, str) or type(limit) is not int or not 1 <= limit <= MOST:
            raise InvalidMessage(f"write a `query` in words, and a `limit` from 1 to {MOST} or none")
        words = [_stem(word) for word in keywords(query)]
        scored = [(self._score(words, counts), offer) for offer, counts in self._texts if shows(offer.tool)]
        best = sorted((it for it in scored if it[0] > 0), key=lambda it: (-it[0], it[1].tool.name))[:limit]
        return {"tools": [_brief(offer) for _, offer in best], "of": len(scored)}

    def _score(self, words: Sequence[str], counts: Counter[str]) -> float:
        total, score = len(self._texts), 0.0
        for word in words:
            if often := counts[word]:
                rare = math.log(1 + (total - self._holding[word] + 0.5) / (self._holding[word] + 0.5))
                score += rare * often * (_K + 1) / (often + _K * (1 - _B + _B * counts.total() / self._mean))
        return score


def _words(offer: Offer) -> Counter[str]:
    tool = offer.tool
    counts = Counter(_split(f"{tool.description} {' '.join(offer.arguments.schema.get('properties', {}))}"))
    for word in _split(f"{tool.mad} {tool.tool}"):
        counts[word] += NAMED
    return counts


def _split(text: str) -> list[str]:
    return [_stem(word) for word in re.findall(r"[^\W_]+", apart(text).lower())]


def _stem(word: str) -> str:
    return _ENDING.sub("", word)


def _brief(offer: Offer) -> dict[str, str]:
    listed = offer.listing()
    return {"name": listed["name"], "description": listed["description"].partition("\n")[0]}
