"""What a worker on untrusted content may not do, each tried for real, and what it still has to do."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path


def tried(room: str, outside: str, port: int) -> dict[str, str]:
    """Return for each way out the name of the error that it met, "" where it was open."""
    inside, secret = Path(room, "own.txt"), Path(outside, "secret.txt")

    def write_through_a_link() -> object:
        Path(room, "link").symlink_to(secret)
        return Path(room, "link").write_text("x")

    ways: dict[str, Callable[[], object]] = {
        "write": lambda: Path(outside, "new.txt").write_text("x"),
        "append": lambda: secret.open("a").close(),
        "link": write_through_a_link,
        "truncate": lambda: os.truncate(secret, 0),
        "remove": secret.unlink,
        "make": Path(outside, "folder").mkdir,
        "move in": lambda: secret.rename(Path(room, "taken")),
        "move out": lambda: inside.rename(Path(outside, "given")),
        "mode": lambda: secret.chmod(0o777),
        "read": secret.read_text,
        "list": lambda: list(Path(outside).iterdir()),
        "memory of others": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
        "own memory": lambda: Path("/proc/self/mem").open("r+b").close(),
        "connect": lambda: socket.create_connection(("127.0.0.1", port), 1),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix socket": lambda: socket.socket(socket.AF_UNIX),
        "pair": socket.socketpair,
        "run": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        "fork": os.fork,
        "become": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),  # noqa: S606  it is not let
        "trace": lambda: _raised(ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), None, None)),
        "kill": lambda: os.kill(os.getppid(), 0),
    }
    return {name: _met(way) for name, way in ways.items()}


class Trap:
    """What acts where it is read."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        """Have whoever reads this make a folder."""
        return os.mkdir, (self._path,)


def trapped(path: str) -> Trap:
    """Answer with a trap."""
    return Trap(path)


def at_work(room: str) -> list[str]:
    """Write and read in one's own folder, in a thread, with a library that was not loaded."""
    kept: list[str] = []

    def work() -> None:
        import sqlite3  # noqa: PLC0415  a library of its own, loaded only now

        Path(room, "own.txt").write_text("mine")
        [(said,)] = sqlite3.connect(":memory:").execute("SELECT 'yes'")
        kept.extend([Path(room, "own.txt").read_text(), said])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return kept


def _raised(result: int) -> None:
    if result < 0:
        raise PermissionError


def _met(way: Callable[[], object]) -> str:
    try:
        way()
    except Exception as error:  # noqa: BLE001  what it is is the point
        return type(error).__name__
    return ""
