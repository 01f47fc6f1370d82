"""What a core dump of a process would hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def memory(pid: int) -> bytes:
    """Return what a process may write to in its memory, as the kernel would dump it."""
    return b"\0".join(_regions(pid))


def _regions(pid: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/maps").open(encoding="ascii", errors="replace") as maps:
        spans = [line.split()[0] for line in maps if line.split()[1].startswith("rw")]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        for start, end in (tuple(int(one, 16) for one in span.split("-")) for span in spans):
            file.seek(start)
            try:
                yield file.read(end - start)
            except OSError:  # what the kernel keeps to itself is in no dump either
                continue
