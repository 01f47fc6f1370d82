"""On which line of `mads.toml` something stands."""

from __future__ import annotations

import re
from collections import Counter

Place = tuple[str, ...]
"""The keys that lead to it, from the outermost table on."""

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_LISTED = re.compile(r"\s*\[\[([^\[\]]+)\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\"' -]+?)\s*=")


def line_of(text: str, path: Place) -> int | None:
    """Return the number of the line on which `path` stands, or else of the one nearest above it."""
    table: Place = ()
    best, counts = (0, 0), Counter[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if listed := _LISTED.match(line):
            counts[listed[1]] += 1
            table, rest = (*_keys(listed[1]), str(counts[listed[1]])), ""
            here = table
        elif header := _HEADER.match(line):
            table, rest = _keys(header[1]), ""
            here = table
        elif key := _KEY.match(line):
            here, rest = (*table, *_keys(key[1])), line[key.end() :]
        else:
            continue
        if here == path[: len(here)]:
            inside = [re.search(rf"[{{,]\s*[\"']?{re.escape(key)}[\"']?\s*=", rest) for key in path[len(here) :]]
            best = max(best, (len(here) + sum(map(bool, inside)), -number))
    return -best[1] or None


def _keys(dotted: str) -> Place:
    return tuple(key.strip().strip("\"'") for key in dotted.split("."))
