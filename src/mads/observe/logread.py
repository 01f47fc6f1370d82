"""Read a system's log, whether it runs or not: the last lines that fit, and those that are still to come."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from mads.observe.line import LEVELS, Line
from mads.observe.logfile import ASIDE, FILE

PAUSE = 0.1
"""Seconds between two looks at whether there is more."""

_START = b'{"ts":"'
_decoder = msgspec.json.Decoder(Line)


class Wanted(Struct, frozen=True):
    """Which lines: those of a MAD, a conversation, a trace, a request ("": any), at least as grave as `level`."""

    mad: str = ""
    conversation: str = ""
    trace: str = ""
    request: str = ""
    level: str = LEVELS[0]

    def fits(self, line: Line) -> bool:
        """Return whether `line` is one of them."""
        names = ("mad", "conversation", "trace", "request")
        if any(wanted and wanted != getattr(line, name) for name in names if (wanted := getattr(self, name))):
            return False
        return line.level not in LEVELS or LEVELS.index(line.level) >= LEVELS.index(self.level)


class Log:
    """The log in `folder`."""

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        self._folder, self._wanted = folder, wanted
        self._rest = b""
        self._open: BinaryIO | None = None

    def last(self, count: int) -> list[Line]:
        """Return the last `count` lines that fit, of all processes, in the order of their time."""
        lines: deque[Line] = deque(maxlen=count)
        for name in (ASIDE, FILE):
            try:
                file = (self._folder / name).open("rb")
            except FileNotFoundError:
                continue
            lines.extend(self._read(file))
            if name == ASIDE:
                file.close()
            else:
                self._open = file
        return sorted(lines, key=lambda line: line.ts)

    def follow(self) -> Iterator[Line]:
        """Iterate, for ever, over what comes after the lines that `last` returned."""
        while True:
            turns = self._has_turned()
            if self._open is not None:
                yield from self._read(self._open)
            if turns:
                self.close()
                self._open = (self._folder / FILE).open("rb")
            else:
                time.sleep(PAUSE)

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            self._open.close()

    def _has_turned(self) -> bool:
        """Return whether there is another file now, or the one that is read was emptied."""
        try:
            there = (self._folder / FILE).stat()
        except FileNotFoundError:
            return False
        if self._open is None:
            return True
        here = os.fstat(self._open.fileno())
        return here.st_ino != there.st_ino or self._open.tell() > here.st_size

    def _read(self, file: BinaryIO) -> Iterator[Line]:
        """Iterate over the whole lines that are there; the beginning of one is kept until its end comes."""
        while chunk := file.read(1 << 20):
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            yield from (line for data in whole if (line := _line(data)) is not None and self._wanted.fits(line))


def _line(data: bytes) -> Line | None:
    """Return the line in `data`; a full disk, or a crash of the machine, may have left half a one before it."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        start = data.rfind(_START)
        return _line(data[start:]) if start > 0 else None
