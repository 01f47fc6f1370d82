"""What the steward streams as lines, into a file that is there whole or not at all, and into a digest."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from mads.cli.remote import LONG, Remote
from mads.wire.asking import Speechless
from mads.wire.call import Progress
from mads.wire.errors import UsageError


class Lines(Speechless):
    """A sink that counts the items it is given, writes each as a line to `out`, and digests what was written."""

    def __init__(self, out: TextIO | None) -> None:
        self.count = 0
        self._out, self._digest = out, sha256()

    @property
    def sha256(self) -> str:
        """The SHA-256 of all lines, each with its end."""
        return self._digest.hexdigest()

    async def item(self, body: Any) -> None:
        """Take one line."""
        self.count += 1
        line = f"{body}\n"
        self._digest.update(line.encode())
        if self._out is not None:
            self._out.write(line)

    def progress(self, progress: Progress) -> None:
        """Let a report go."""


async def streamed(remote: Remote, tool: str, out: TextIO | None, **arguments: Any) -> Lines:
    """Write what a tool of the steward streams to `out`, where there is one; return what is to be said of the lines."""
    sink = Lines(out)
    await remote.call(f"mads.steward.{tool}", arguments, sink=sink, patience=LONG)
    return sink


def placed(file: str) -> str:
    """Return how whoever looks for a copy is told of the file that it went to."""
    return (
        str(Path(file).resolve()) if file not in ("", "-") else "standard output" if file else "nowhere, for its digest"
    )


@contextmanager
def opened(file: str) -> Generator[TextIO | None]:
    """Open a file for lines, so that it is there whole or not at all; - is standard output, "" is nowhere."""
    if not file:
        yield None
    elif file == "-":
        yield sys.stdout
    else:
        path = Path(file)
        if path.is_dir():
            raise UsageError(f"{file!r} is a folder; write the name of a FILE in it")
        part = path.with_name(f".{path.name}.part")
        if not path.parent.is_dir():
            raise UsageError(f"there is no folder {str(path.parent)!r}; make it, or write another FILE")
        try:
            with part.open("w", encoding="utf-8", newline="\n") as out:
                yield out
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
