"""`mads` with a seam in its own process: a disk that keeps only what was synced, a wall clock that jumps.

    python -m chaos.launch [--disk SHADOW] [--lying-disk SHADOW] [--clock FILE] up --json

The clock is as many seconds ahead as FILE says, at every moment; it is the one that Python's `time` shows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from chaos.disk import Disk

LOOK = 0.02
"""Seconds from one look at the clock's file to the next."""


def main(words: list[str]) -> int:
    """Take the seams from the front of `words` and run `mads` with the rest."""
    disks: list[Disk] = []  # held: SQLite forgets a disk that nobody holds
    while words and words[0].startswith("--"):
        name, value, *words = words
        if name == "--clock":
            turn_clock(Path(value))
        else:
            disks.append(Disk(Path.cwd() / ".mads", Path(value), lies=name == "--lying-disk"))
    from mads.cli import run  # noqa: PLC0415  after the seams

    return run(words)


def turn_clock(file: Path) -> None:
    """Let the wall clock go as `file` says."""
    ahead = [0.0]
    clock, clock_ns = time.time, time.time_ns

    def follow() -> None:
        while True:
            ahead[0] = float(file.read_text() or 0) if file.exists() else 0.0
            time.sleep(LOOK)

    def turned() -> float:
        return clock() + ahead[0]

    def turned_ns() -> int:
        return clock_ns() + round(ahead[0] * 1e9)

    Thread(target=follow, daemon=True).start()
    shown: dict[str, Callable[[], float]] = {"time": turned, "time_ns": turned_ns}
    for name, show in shown.items():
        setattr(time, name, show)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
