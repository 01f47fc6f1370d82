"""The figures of a running system, written beside its log: whoever reads the folder knows them too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

PAUSE = 2.0
"""Seconds from one look to the next."""

FILE = "metrics.prom"

_FLEETING = (b"mads_uptime_seconds", b"mads_memory_bytes")
"""What is never twice the same: of no use as evidence, and no reason to write."""

_CLASSES = (b"_bucket{", b"_created{")


class FiguresFile:
    """The page of figures as a file in `folder`, written anew where it says another.

    Left out are classes of durations, and tools of which there is nothing to count.
    `page` returns it in the format that is asked for. Who reads the file sees one page whole.
    """

    def __init__(self, folder: Path, page: Callable[[str], Awaitable[tuple[bytes, str]]]) -> None:
        self._path, self._page = folder / FILE, page
        self._last = b""

    async def write(self) -> None:
        """Write the page, unless the file says it already."""
        await asyncio.to_thread(import_module, "mads.observe.metrics")  # too slow for the loop, the first time
        told, _ = await self._page("")
        await asyncio.to_thread(self._write, told)

    def _write(self, told: bytes) -> None:
        page = b"".join(line for line in told.splitlines(keepends=True) if not _is_noise(line))
        if page != self._last:
            self._replace(page)
            self._last = page

    def _replace(self, page: bytes) -> None:
        written = self._path.with_suffix(".new")
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(page)
        written.replace(self._path)


def _is_noise(line: bytes) -> bool:
    name = line.split(b" ", 3)[2] if line.startswith(b"#") else line
    is_idle = b'tool="' in line and line.endswith(b" 0.0\n")
    return is_idle or name.startswith(_FLEETING) or any(part in line for part in _CLASSES)
