"""Cut a log so that no passage holds lines of two tenants."""

from collections.abc import Iterator
from itertools import groupby

import msgspec

from mads.recall.chunks import LINES, Chunk

_MOST = 8_000
"""How many characters of a passage are kept."""


def passages(path: str, text: str) -> Iterator[tuple[Chunk, str]]:
    """Yield the passages of a log and whose they are: "" where a line is no JSON object that names its `tenant`."""
    numbered = ((number, line, _tenant(line)) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    for tenant, run in groupby(numbered, key=lambda entry: entry[2]):
        lines = list(run)
        for start in range(0, len(lines), LINES):
            part = lines[start : start + LINES]
            yield Chunk(path, part[0][0], part[-1][0], "", "\n".join(line for _, line, _ in part)[:_MOST]), tenant


class _Line(msgspec.Struct):
    """What is looked at of a line."""

    tenant: str = ""


_decoder = msgspec.json.Decoder(_Line)


def _tenant(line: str) -> str:
    try:
        return _decoder.decode(line.encode(errors="replace")).tenant
    except msgspec.DecodeError:
        return ""
