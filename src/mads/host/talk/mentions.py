"""Whom a turn of prose mentions: every `@name` that is neither an address, nor a path, nor code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

_CODE = re.compile(r"(?ms)^[ \t]*(```|~~~).*?(^[ \t]*\1|\Z)|(?<!`)(`+)(?!`).*?(?<!`)\3(?!`)")
_MENTION = re.compile(r"(?<![\w@.+/\\-])@([A-Za-z][A-Za-z0-9_]*)(?![\w@/]|[.:-]\w)")

FEW = 8
"""How many names an answer to an unknown one lists."""


def mentioned(text: str) -> list[str]:
    """Return the names that `text` mentions, in small letters, each once, in order."""
    names = _MENTION.findall(_CODE.sub(" ", text))
    return list(dict.fromkeys(name.lower() for name in names))


def unknown(name: str, known: Iterable[str]) -> str:
    """Return a sentence about a mention of somebody who is not there, where `known` are there."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"nobody is called @{name}; " + (f"did you mean @{near[0]}?" if near else f"there is {_listed(names)}")


def _listed(names: list[str]) -> str:
    def shown() -> Iterator[str]:
        yield from (f"@{name}" for name in names[:FEW])
        if len(names) > FEW:
            yield f"and {len(names) - FEW} more (mads ps)"

    return ", ".join(shown()) or "nobody who hears prose"
