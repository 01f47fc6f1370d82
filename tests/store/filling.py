"""A child process that adds notes to a disk until it is full, makes room and goes on; prints what happened."""

import asyncio
import json
import resource
import sys
from pathlib import Path

from mads.store.kept import open_rows
from mads.store.port import Scope
from mads.wire.errors import StoreError

NOTES = Scope(tenant="acme", mad="scribe", field="notes", type="scribe.Note.v1")


async def main(path: Path) -> None:
    rows = await open_rows(path)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, most))
    acknowledged: list[int] = []
    said = ""
    while not said:
        outcomes = await asyncio.gather(*(rows.add(NOTES, bytes(20_000)) for _ in range(4)), return_exceptions=True)
        acknowledged += [outcome for outcome in outcomes if isinstance(outcome, int)]
        said = next((str(outcome) for outcome in outcomes if isinstance(outcome, StoreError)), "")
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    acknowledged.append(await rows.add(NOTES, b"there is room again"))
    await rows.close()
    sys.stdout.write(json.dumps({"acknowledged": acknowledged, "said": said}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
