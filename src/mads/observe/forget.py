"""Take out of the log what it says of one conversation, in place, while others go on writing at its end."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from mads.observe.line import Line
from mads.observe.logfile import ASIDE, FILE

ERASED = "erased"
"""What such a line says from then on."""

_decoder = msgspec.json.Decoder(Line)


def forget(folder: Path, tenant: str, conversation: str) -> int:
    """Overwrite the lines of the log in `folder` that belong to a conversation; return how many there were.

    Of such a line its time, level, MAD and process stay. It keeps its length, so that nothing else moves.
    """
    return sum(_forget(folder / name, tenant, conversation) for name in (ASIDE, FILE))


def _forget(path: Path, tenant: str, conversation: str) -> int:
    count = at = 0
    try:
        with path.open("rb+", buffering=0) as file:
            for data in file.read().splitlines(keepends=True):
                if (line := _line(data)) is not None and (line.tenant, line.conversation) == (tenant, conversation):
                    bare = Line(ts=line.ts, level=line.level, mad=line.mad, event=ERASED, pid=line.pid)
                    os.pwrite(file.fileno(), msgspec.json.encode(bare)[: len(data) - 1].ljust(len(data) - 1), at)
                    count += 1
                at += len(data)
            os.fsync(file.fileno())
    except FileNotFoundError:
        pass
    return count


def _line(data: bytes) -> Line | None:
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
