"""What in a definition is meant for a model behind the back of whoever reads it: a guard rail, which catches the known.

Tool descriptions are instructions to a model; a server that nobody here wrote can put anything there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

from mads.upstream.definition import PINNED
from mads.wire.tools import Definition

LONGEST = 8192
"""How many characters one description may have; in more than that anything can hide."""

SMUGGLED = {"Cf", "Co", "Cs"}
"""The categories of Unicode that a reader does not see, and a model may."""

JOINERS = {"\u200d", "\ufe0f", "\u00ad"}
"""Invisible, but needed to write: they join emoji and mark where a word may be broken."""

SAYINGS = {
    "tells a model to disregard what it was told": r"\b(ignore|disregard|forget|override)\b[^.\n]{0,40}"
    r"\b(previous|prior|above|earlier|all other|system)\b[^.\n]{0,40}\b(instruction|prompt|rule|message|direction)s?\b",
    "gives itself rank": r"<\s*/?\s*(important|system|secret|instructions?|admin)\s*>|\[(INST|SYSTEM)\]|^\s*system\s*:",
    "tells a model to keep something from the user": r"\b(do not|don't|never|without)\b[^.\n]{0,30}"
    r"\b(tell|mention|inform|reveal|show|notify|alert|telling|mentioning|informing|notifying)\b[^.\n]{0,30}"
    r"\b(user|human|person|anyone|this)\b",
    "sends a model for what is secret": r"(~/\.ssh|id_rsa|\.aws/credentials|/etc/(passwd|shadow)|\.env\b|"
    r"\bapi[_ -]?keys?\b[^.\n]{0,40}\b(send|include|pass|attach|append)|"
    r"\b(send|include|pass|attach|append|read)\b[^.\n]{0,40}"
    r"\b(private key|password|credential|secret|api[_ -]?key|access token|environment variable|conversation history|"
    r"system prompt)s?\b)",
    "tells a model how to use other tools": r"\b(before|whenever|every time|instead of|after)\b[^.\n]{0,40}"
    r"\b(using|calling|use|call|invoke|invoking)\b[^.\n]{0,30}"
    r"\b(any other|another|other|all|every|any)\b[^.\n]{0,20}\btools?\b",
    "hides something in a comment": r"<!--",
    "carries what only a program can read": r"[A-Za-z0-9+/]{200,}={0,2}",
}
_SAYINGS = {what: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for what, pattern in SAYINGS.items()}


def findings(definition: Definition) -> tuple[str, ...]:
    """Return what is suspicious in a definition, each finding once and in words; nothing where nothing is."""
    found: list[str] = []
    for where, text in _texts({key: definition.said.get(key) for key in PINNED}):
        if len(text) > LONGEST:
            found.append(f"{where} has {len(text)} characters, of {LONGEST} that can be read")
        found += [f"{where} {what}" for what in suspicions(text[:LONGEST])]
    return tuple(dict.fromkeys(found))


def suspicions(text: str) -> tuple[str, ...]:
    """Return what in a text is meant for a model alone, as the rest of a sentence that begins with where it stands."""
    found: list[str] = []
    hidden = {char for char in text if unicodedata.category(char) in SMUGGLED and char not in JOINERS}
    hidden |= {char for char in text if unicodedata.category(char) == "Cc" and char not in "\t\n\r"}
    if hidden:
        found.append(
            f"holds characters that nobody sees: {', '.join(f'U+{ord(char):04X}' for char in sorted(hidden)[:5])}"
        )
    plain = unicodedata.normalize("NFKC", "".join(char for char in text if char not in hidden))
    return (*found, *(what for what, saying in _SAYINGS.items() if saying.search(plain)))


def _texts(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Iterate over every string in `value`, keys included, with where it stands."""
    stack = [(where, value)]
    while stack:
        place, part = stack.pop()
        if isinstance(part, str):
            yield place or "it", part
        elif isinstance(part, dict):
            inner = cast("dict[str, Any]", part)
            stack += [(f"{place}.{key}" if place else key, each) for key, each in inner.items()]
            yield from ((f"the name {key!r:.40}", key) for key in inner)
        elif isinstance(part, list):
            stack += [(place, each) for each in cast("list[Any]", part)]  # type: ignore[redundant-cast]
