"""Lets a client begin when it is its turn: the suite starts all at once, and each has 10 s to find its server's era.

    python -m conformance.turn ADDRESS

As many run at a time as there are processors; a turn is a lock on a file, which ends with whoever has it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

from conformance.suite import FOLDER

PAUSE = 0.05
"""Seconds between two looks at whether a turn is free."""


def main() -> None:
    """Become the client, once it is its turn."""
    folder = FOLDER / "turns"
    folder.mkdir(exist_ok=True)
    turns = [os.open(folder / str(number), os.O_RDWR | os.O_CREAT) for number in range(os.cpu_count() or 1)]
    while (mine := next((turn for turn in turns if _taken(turn)), None)) is None:
        time.sleep(PAUSE)
    os.set_inheritable(mine, True)
    os.execv(sys.executable, [sys.executable, "-m", "conformance.client", *sys.argv[1:]])  # noqa: S606  itself


def _taken(turn: int) -> bool:
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main()
