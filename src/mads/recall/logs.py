"""Cut a log, or figures, so that no passage holds lines of two tenants; a line that does not say whose it is hides.

A line of JSON says so by its `tenant`, a figure by its label of that name, and a line that is neither belongs with the
one before it: the traceback of a tenant's error is that tenant's.
"""

import re
from collections.abc import Iterator
from itertools import groupby

import msgspec

from mads.recall.chunks import LINES, Chunk
from mads.recall.files import OWN
from mads.recall.tables import NOBODY

OPERATOR = "default"
"""Whose is what this system's log and figures say of no tenant: that of whoever runs it on this machine."""

_MOST = 8_000
"""How many characters of a passage are kept."""

_LABEL = re.compile(r'[{,]\s*tenant\s*=\s*"((?:[^"\\]|\\.)*)"')


class _Line(msgspec.Struct):
    """What is looked at of a line."""

    tenant: object = ""


_decoder = msgspec.json.Decoder(_Line)


def passages(path: str, text: str) -> Iterator[tuple[Chunk, str]]:
    """Yield the passages of a log and whose they are, "" where it is for all.

    They begin at the same lines when the log has grown, and when less is read of its beginning.
    """
    whose = unsaid = _unsaid(path)
    lines: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            whose = _tenant(line, whose, unsaid)
            lines.append((number, line, whose))
    for (tenant, _), run in groupby(lines, key=lambda entry: (entry[2], entry[0] // LINES)):
        part = list(run)
        yield Chunk(path, part[0][0], part[-1][0], "", "\n".join(line for _, line, _ in part)[:_MOST]), tenant


def shared(chunk: Chunk) -> Iterator[tuple[Chunk, str]]:
    """Yield the figures of `chunk` in runs of one tenant's, and whose they are."""
    numbered = enumerate(chunk.text.split("\n"), chunk.first)
    for tenant, run in groupby(numbered, key=lambda entry: _labelled(entry[1]) or _unsaid(chunk.path)):
        part = list(run)
        yield Chunk(chunk.path, part[0][0], part[-1][0], chunk.symbol, "\n".join(line for _, line in part)), tenant


def _unsaid(path: str) -> str:
    """Return whose is what does not say whose it is."""
    return OPERATOR if path in OWN else ""


def _tenant(line: str, before: str, unsaid: str) -> str:
    """Return whose a line is: that of the lines `before` where it is no JSON, nobody's where it cannot be told."""
    if not line.lstrip().startswith("{"):
        return before
    try:
        tenant = _decoder.decode(line.encode(errors="replace")).tenant
    except (msgspec.DecodeError, RecursionError):
        return NOBODY
    return (tenant or unsaid) if isinstance(tenant, str) and line.count('"tenant"') <= 1 else NOBODY


def _labelled(line: str) -> str:
    found = set(_LABEL.findall(line))
    return "" if not found else found.pop() if len(found) == 1 else NOBODY
