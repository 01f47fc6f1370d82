"""Dotted subjects, and the patterns that match them."""

from __future__ import annotations

from mads.wire.errors import UsageError

ONE = "*"
REST = ">"

Rank = tuple[int, ...]
"""How exactly a pattern names a subject, token by token; the smallest is the most exact."""


def parse(pattern: str) -> tuple[str, ...]:
    """Return the tokens of `pattern`; raise `UsageError` where it is none."""
    tokens = tuple(pattern.split("."))
    if not all(map(_is_token, tokens)) or REST in tokens[:-1]:
        raise UsageError(
            f"{pattern!r} is no pattern: write words with a dot between them, `*` in the place of one word, "
            "or `>` at the end in the place of all that follow"
        )
    return tokens


def rank(pattern: tuple[str, ...], subject: tuple[str, ...]) -> Rank | None:
    """Return how exactly `pattern` names `subject`, or None where it does not match."""
    if pattern[-1] == REST:
        if len(subject) < len(pattern):
            return None
    elif len(subject) != len(pattern):
        return None
    pairs = list(zip(pattern, subject, strict=False))
    if any(token not in (ONE, REST, word) for token, word in pairs):
        return None
    return tuple((token == ONE) + 2 * (token == REST) for token in pattern)


def _is_token(token: str) -> bool:
    if token in (ONE, REST):
        return True
    return token != "" and not any(sign in (ONE, REST) or sign.isspace() for sign in token)
