"""What a process takes, as the kernel tells it, and the limits that a child sets for itself."""

from __future__ import annotations

import os
import resource
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PAGE = os.sysconf("SC_PAGE_SIZE")

HEADROOM = 1.25
"""How much more than its `memory` a child may ask for at once before the allocation fails."""


def rss(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 where it is gone, or the kernel does not tell."""
    with suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


class Pace(NamedTuple):
    """For how many seconds a thread ran, and for how many it waited for a processor; whether it does either now."""

    is_running: bool = False
    ran: float = 0.0
    waited: float = 0.0


def pace(thread: int) -> Pace:
    """Return the pace of a thread of this process, by its native id; where the kernel does not tell, it only slept."""
    with suppress(OSError, IndexError, ValueError):
        task = Path(f"/proc/self/task/{thread}")
        is_running = task.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "R"
        ran, waited = task.joinpath("schedstat").read_text().split()[:2]
        return Pace(is_running, int(ran) / 1e9, int(waited) / 1e9)
    return Pace()


def processes(pid: int, most: int) -> int:
    """Return how many processes descend from `pid`, itself included; counting ends above `most`."""
    found, todo = 0, deque([pid])
    while todo and found <= most:
        found += 1
        todo += _children(todo.popleft())
    return found


def limit(memory: int) -> None:
    """Have allocations of this process that take it far over `memory` bytes fail, in it and whatever it starts."""
    most = round(memory * HEADROOM)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(word) for word in (task / "children").read_text().split()]
    return found
