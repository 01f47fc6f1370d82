"""What was acknowledged is there after a crash and after a full disk; what was refused is not."""

import json
import random
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from mads.store.kept import open_rows
from mads.store.sqlite import connect
from mads.testing.store_suite import NOTES

HERE = Path(__file__).parent


async def crashed(path: Path, after: int) -> set[bytes]:
    """Let a child add notes, kill it once it has had so many acknowledged, and return all that were."""
    child = await create_subprocess_exec(sys.executable, HERE / "adding.py", path, stdout=PIPE)
    assert child.stdout is not None
    acknowledged = {await child.stdout.readline() for _ in range(after)}
    child.kill()
    acknowledged |= set((await child.stdout.read()).splitlines(keepends=True))
    assert await child.wait() == -9
    return {line.rstrip() for line in acknowledged}


@pytest.mark.slow
async def test_what_was_acknowledged_survives_kill_9_at_any_time(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "store.sqlite", set[bytes]()
    chance = random.Random(9)  # noqa: S311  nobody is to be kept from guessing
    for _ in range(5):
        acknowledged |= await crashed(path, after=chance.randrange(1, 300))
        rows = await open_rows(path)
        assert acknowledged <= {body for _, body in await rows.rows(NOTES)}
        await rows.close()
    connection = connect(path)
    assert connection.pragma("integrity_check") == "ok"
    connection.close()


async def test_a_full_disk_is_an_error_that_says_so_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    child = await create_subprocess_exec(sys.executable, HERE / "filling.py", path, stdout=PIPE)
    printed, _ = await child.communicate()
    told = json.loads(printed)
    assert f"{path}: the disk refuses to read or write; make room" in told["said"]
    rows = await open_rows(path)
    assert [row for row, _ in await rows.rows(NOTES)] == told["acknowledged"]
    await rows.close()
