"""A disk that keeps only what was synced, and what a power cut leaves of it: torn sectors, too."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import defaultdict
from pathlib import Path
from threading import Lock
from typing import Any

import apsw

SECTOR = 512
FILES = ("store.sqlite", "store.sqlite-wal")

SYNC = 0.004
"""The seconds that a sync takes, as on many a disk."""


class Disk(apsw.VFS):
    """A file system for SQLite: what is synced of the files in `folder` is copied into `shadow`, where no cut takes it.

    It is the default of its process for as long as it is registered. One that `lies` says that it has synced a log, and
    has not.
    """

    def __init__(self, folder: Path, shadow: Path, *, lies: bool = False) -> None:
        shadow.mkdir(parents=True, exist_ok=True)
        self.folder, self.shadow, self.lies = folder.resolve(), shadow, lies
        self.unsynced: dict[Path, set[tuple[int, int]]] = defaultdict(set)
        self.lock = Lock()
        super().__init__("disk", base="unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  SQLite's name
        """Open a file; one in the folder tells this disk what is written and synced."""
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "")
        return File(self, path, name, flags) if path.parent == self.folder else apsw.VFSFile("unix", name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802  SQLite's
        """Delete a file, for good."""
        super().xDelete(filename, syncdir)
        path = Path(filename)
        if path.parent == self.folder:
            (self.shadow / path.name).unlink(missing_ok=True)

    def synced(self, path: Path) -> None:
        """Copy what was written to `path` since it was synced last."""
        with self.lock:
            written = self.unsynced.pop(path, set())
            kept = os.open(self.shadow / path.name, os.O_WRONLY | os.O_CREAT, 0o600)
            read = os.open(path, os.O_RDONLY)
            try:
                for offset, size in sorted(written):
                    os.pwrite(kept, os.pread(read, size, offset), offset)
                os.truncate(kept, os.fstat(read).st_size)
            finally:
                os.close(kept)
                os.close(read)


class File(apsw.VFSFile):
    """A file on such a disk."""

    def __init__(self, disk: Disk, path: Path, name: Any, flags: list[int]) -> None:
        self._disk, self._path = disk, path
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  SQLite's name
        """Write, into a cache as far as the disk is concerned."""
        super().xWrite(data, offset)  # pyright: ignore[reportUnknownMemberType]  apsw's own stub
        with self._disk.lock:
            self._disk.unsynced[self._path].add((offset, len(data)))

    def xSync(self, flags: int) -> None:  # noqa: N802  SQLite's name
        """Sync the file, which takes a while: a cut is to come in the middle of it."""
        time.sleep(SYNC)
        super().xSync(flags)
        if not (self._disk.lies and self._path.name.endswith("-wal")):
            self._disk.synced(self._path)


def cut(folder: Path, shadow: Path, to: Path, chance: random.Random | None = None) -> int:
    """Write into `to` what a power cut leaves of the databases in `folder`; return how many bytes it took.

    By `chance`, each sector that was written and not synced has reached the disk, or has not; without, none has.
    """
    to.mkdir(parents=True, exist_ok=True)
    taken = 0
    for name in FILES:
        (to / name).unlink(missing_ok=True)
        kept = (shadow / name).read_bytes() if (shadow / name).exists() else b""
        cached = (folder / name).read_bytes() if (folder / name).exists() else b""
        left = bytearray(kept)
        for at in range(0, max(len(kept), len(cached)), SECTOR):
            new, old = cached[at : at + SECTOR], kept[at : at + SECTOR]
            if new == old:
                continue
            if new and chance is not None and chance.random() < 1 / 2:
                left[at : at + SECTOR] = bytes(at - len(left)) + new if at > len(left) else new
            else:
                taken += max(len(new), len(old))
        if left:
            (to / name).write_bytes(left)
    return taken


def put_back(found: Path, folder: Path) -> None:
    """Put the databases in `found` where those of `folder` were, if there were any."""
    folder.mkdir(exist_ok=True)
    for file in folder.glob("store.sqlite*"):
        file.unlink()
    for name in FILES:
        if (found / name).exists():
            shutil.copy(found / name, folder / name)
