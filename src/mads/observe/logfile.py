"""The file to which every process of a system appends its log: whole lines, bounded in size, never a reason to fail."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from pathlib import Path

LIMIT = 16 * 1024 * 1024
"""Bytes after which the file is set aside and a new one begun; there is one that was set aside, no more."""

FILE = "log.jsonl"
ASIDE = "log.1.jsonl"


class LogFile:
    """Appends to the log in `folder`, which is made where it is missing.

    A line is one write at the end of the file, so that processes do not write into each other's lines and what was
    written stays when its process is killed. Where it cannot be written, it is counted in `lost`.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.lost = 0
        self._folder, self._limit = folder, limit
        self._file = -1
        self._one_at_a_time = threading.Lock()

    def append(self, line: bytes) -> None:
        """Write `line`, which ends with a line feed; never raises, never waits for another process."""
        with self._one_at_a_time:
            try:
                if self._file < 0:
                    self._open()
                here = os.fstat(self._file)
                if here.st_nlink == 0 or here.st_size > self._limit:
                    self._renew(here)
                if os.write(self._file, line) < len(line):  # a disk that is full in the middle of a line
                    self.lost += 1
            except OSError:
                self.lost += 1

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _renew(self, here: os.stat_result) -> None:
        """Set the file aside unless another process has, or is about to; go on with the one that is there now."""
        path = self._folder / FILE
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == here.st_ino:
                path.replace(self._folder / ASIDE)
        self.close()
        self._open()
