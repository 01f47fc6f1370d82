"""A scope is a pattern of tools that a credential may be used to ask for: `mads.scribe.*`, `mads.>:read_only`.

`*` stands for one word and `>` for all that follow; `:read_only` means only those of them that say so of themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from mads.bus.subjects import parse, rank
from mads.wire.errors import UsageError
from mads.wire.tools import ToolInfo

EVERYTHING = "mads.>"
"""The scope that fits every tool."""

MOST, LONGEST = 64, 256
"""How many scopes one credential may have, and how many characters one of them."""

_WORD = re.compile(r"[A-Za-z0-9_]+|[*>]")
_READ_ONLY = ":read_only"
_REMEMBERED = 1 << 16


def check(scopes: Sequence[str]) -> None:
    """Raise `UsageError` where one of `scopes` is none."""
    if len(scopes) > MOST:
        raise UsageError(f"{len(scopes)} scopes are too many, {MOST} may be; write {EVERYTHING!r} or `mads.NAME.*`")
    for scope in scopes:
        words = parse(scope.removesuffix(_READ_ONLY))
        if words[0] != "mads" or not all(map(_WORD.fullmatch, words)) or len(scope) > LONGEST:
            raise UsageError(f"{scope!r} is no scope; write `mads.NAME.TOOL`, `mads.NAME.*` or {EVERYTHING!r}")


def fitting(scope: str, tools: Sequence[ToolInfo]) -> list[ToolInfo]:
    """Return those of `tools` that `scope` lets through."""
    return [tool for tool in tools if permits((scope,), tool.name, read_only=tool.read_only)]


@lru_cache(_REMEMBERED)
def permits(scopes: tuple[str, ...], name: str, *, read_only: bool) -> bool:
    """Return whether `scopes` let through the tool of that canonical name; the listing and the call both ask here."""
    subject = tuple(name.split("."))
    return any(
        rank(tuple(scope.removesuffix(_READ_ONLY).split(".")), subject) is not None
        for scope in scopes
        if read_only or not scope.endswith(_READ_ONLY)
    )
