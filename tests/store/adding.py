"""A child process that adds notes from several tasks at once, and says of each when it is acknowledged."""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from mads.store.kept import open_rows
from mads.store.port import Scope

NOTES = Scope(tenant="acme", mad="scribe", field="notes", type="scribe.Note.v1")


async def main(path: Path) -> None:
    rows = await open_rows(path)
    numbers = itertools.count()

    async def produce() -> None:
        for number in numbers:
            body = f"{os.getpid()}-{number}".encode()
            await rows.add(NOTES, body)
            os.write(sys.stdout.fileno(), body + b"\n")

    await asyncio.gather(*(produce() for _ in range(16)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
