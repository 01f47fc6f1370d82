"""Standard output is the command line's alone, whatever an author's code writes and however it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.shell import PATIENCE, Mads

pytestmark = pytest.mark.slow

LOUD = '''
import os
from collections.abc import AsyncIterator

from mads import Workers, mad, provides, tool

print("at import")


class Horn:
    """What is loud to the end."""


@provides
async def horn() -> AsyncIterator[Horn]:
    """Fail at the end."""
    yield Horn()
    raise RuntimeError("the horn is stuck")


def blow() -> None:
    print("in a worker", flush=True)


@mad
class Loud:
    """You print."""

    horn: Horn
    workers: Workers

    @tool
    async def shout(self) -> None:
        """Print in every way."""
        print("in a tool")
        os.system("echo in a shell")
        await self.workers.run(blow)
'''


@pytest.mark.parametrize("run", ["here", "process"])
def test_what_an_author_prints_and_a_clean_up_that_fails_go_to_standard_error(run: str, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD, encoding="utf-8")
    mads = f'[gateway]\nport = 0\n[mads]\nloud = {{ use = "loud:Loud", run = "{run}" }}\n'
    (tmp_path / "mads.toml").write_text(mads, encoding="utf-8")
    process = Mads(tmp_path).begin("up", "--json")
    assert process.stdout is not None
    ready = process.stdout.readline()

    assert Mads(tmp_path)("call", "loud.shout").returncode == 0

    process.send_signal(signal.SIGTERM)
    rest, told = process.communicate(timeout=PATIENCE)
    assert "address" in json.loads(ready)
    assert rest == ""
    assert [
        said for said in ("at import", "in a tool", "in a shell", "in a worker", "is stuck") if said not in told
    ] == []
    assert process.returncode == (1 if run == "here" else 0)
