"""A list in pages: each cursor names what came last, so that it stays good whatever comes and goes before it."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

PAGE = 250
"""How many things one page of a list has at most."""

LONGEST = 8192
"""How many characters a cursor may have."""


class NoCursor(Exception):
    """What a client sent is no cursor of this list."""


def page(kind: str, things: Sequence[tuple[str, T]], cursor: str | None) -> tuple[list[T], str | None]:
    """Return what follows the `cursor` in a list of things by key, in the order of the keys, and the next cursor.

    Raises `NoCursor` where it is not one of that `kind` of list.
    """
    after = "" if cursor is None else _read(kind, cursor)
    rest = [(key, thing) for key, thing in things if key > after]
    shown = rest[:PAGE]
    return [thing for _, thing in shown], _written(kind, shown[-1][0]) if len(rest) > PAGE else None


def _written(kind: str, key: str) -> str:
    return urlsafe_b64encode(f"{kind} {key}".encode()).decode().rstrip("=")


def _read(kind: str, cursor: str) -> str:
    try:
        said = urlsafe_b64decode(cursor[:LONGEST] + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        said = ""
    its, _, key = said.partition(" ")
    if its != kind or not key or _written(kind, key) != cursor:
        raise NoCursor
    return key
