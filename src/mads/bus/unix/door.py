"""A listening Unix socket that only its owner reaches: it takes the place of a dead one, never that of a living one."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISSOCK

from mads.wire.errors import ConfigError

MAX_PATH = 103
"""How many bytes the path of a socket may have on every platform: macOS takes the fewest."""

BACKLOG = 1024
"""How many connections may wait to be accepted."""


class Door:
    """A listening `socket` and the file it is found by."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`; raise `ConfigError` where that cannot be, or another system does."""
        if len(os.fsencode(path)) > MAX_PATH:
            raise ConfigError(f"{str(path)!r} is too long for a socket: choose one of at most {MAX_PATH} bytes")
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _sole_user(path.parent):
            _remove_dead(path)
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.bind(str(path))
                path.chmod(0o600)
                self.socket.listen(BACKLOG)
            except OSError as error:
                self.socket.close()
                raise ConfigError(f"{str(path)!r}: {error.strerror}") from error
            self._file = path.stat()

    def close(self) -> None:
        """Stop listening, and remove the file unless it has become another's."""
        self.socket.close()
        with suppress(FileNotFoundError):
            if os.path.samestat(self.path.lstat(), self._file):
                self.path.unlink()


@contextmanager
def _sole_user(folder: Path) -> Generator[None]:
    """Make sure that nobody else enters `folder`, and that no other system chooses a socket in it meanwhile."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise ConfigError(f"others may enter {str(folder)!r}, where the socket is to be: `chmod 700 {folder}`")
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _remove_dead(path: Path) -> None:
    with suppress(FileNotFoundError):
        if not S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"{str(path)!r} is not a socket: remove it, or choose another path")
        with socket.socket(socket.AF_UNIX) as probe, suppress(BlockingIOError):  # too busy to accept is alive, too
            probe.setblocking(False)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
                return
        raise ConfigError(f"a system listens at {str(path)!r} already: stop it first, or choose another path")
