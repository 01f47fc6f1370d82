"""A link to a server as it may be: well, dead, killed, hung, mad, changing; a command ends with whoever started it.

With real commands. Servers at an address stand in tests/duos/test_upstream.py, both eras in `make conformance`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mads.upstream.link import Link
from mads.upstream.server import Server
from mads.wire.errors import DeadlineExceeded, Lost, NoResponder
from tests.upstream.servers import NOBODY, ROOT, Ear, Mood

COVERS = ("R-042", "R-113")

pytestmark = pytest.mark.slow


@asynccontextmanager
async def linked(server: Server) -> AsyncGenerator[tuple[Link, Ear]]:
    link, ear = Link(), Ear()
    link.begin("files", server, ear)
    try:
        yield link, ear
    finally:
        await link.close()


async def asked(link: Link, tool: str, **arguments: Any) -> dict[str, Any]:
    session = await link.session("ana")
    came = await session.call(tool, arguments, NOBODY)
    told: dict[str, Any] = json.loads(came["content"][0]["text"])
    return told


async def test_a_command_is_started_listed_called_and_ended(tmp_path: Path) -> None:
    async with linked(Mood(tmp_path).server()) as (link, ear):
        await ear.until(lambda ear: ear.definitions)
        told = await asked(link, "echo", text="hi")
    assert [(it.kind, it.name) for it in ear.definitions] == [("tool", "echo")]
    assert told["asked"] == {"text": "hi"}
    assert not _lives(told["pid"])


async def test_one_that_dies_in_a_call_is_lost_to_it_and_there_again_soon(tmp_path: Path) -> None:
    async with linked(Mood(tmp_path, die="Die.", echo="Say it.").server()) as (link, ear):
        await ear.until(lambda ear: ear.definitions)
        before = await asked(link, "echo")
        ear.definitions = []
        with pytest.raises(Lost):
            await asked(link, "die")
        await ear.until(lambda ear: ear.definitions)
        assert (await asked(link, "echo"))["pid"] != before["pid"]


async def test_one_that_says_nothing_costs_a_call_its_time_and_no_more(tmp_path: Path) -> None:
    async with linked(Mood(tmp_path, hang="Hang.", echo="Say it.").server(within=5.0)) as (link, ear):
        await ear.until(lambda ear: ear.definitions)
        hanging = asyncio.create_task(asked(link, "hang"))
        assert (await asked(link, "echo", text="meanwhile"))["asked"] == {"text": "meanwhile"}
        with pytest.raises(DeadlineExceeded):
            await hanging


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("no-such-command",), "no-such-command: No such file"),
        ((sys.executable, "-c", "print('garbage\\n' * 5000)"), "closed"),
        ((sys.executable, "-c", "import time; time.sleep(60)"), "did not say who it is within"),
        ((sys.executable, "-c", "raise SystemExit('out of order')"), "out of order"),
    ],
)
async def test_one_that_is_no_server_is_said_to_be_none(command: tuple[str, ...], why: str) -> None:
    async with linked(Server(command, within=1.5)) as (link, ear):
        await ear.until(lambda ear: why in ear.why)
        with pytest.raises(NoResponder, match="not there"):
            await link.session("ana")


async def test_a_list_that_does_not_come_is_said_to_be_missing(tmp_path: Path) -> None:
    mood = Mood(tmp_path)
    mood.be(mute=True)
    async with linked(mood.server(within=5.0)) as (_, ear):
        await ear.until(lambda ear: ear.missing)
    assert ear.missing.startswith("tools: it did not answer in time")


async def test_a_list_is_read_again_when_its_server_says_that_it_has_changed(tmp_path: Path) -> None:
    mood = Mood(tmp_path, change="Change.")
    async with linked(mood.server()) as (link, ear):
        await ear.until(lambda ear: ear.definitions)
        mood.be(tools={"change": "Change.", "new": "It is new."})
        await asked(link, "change")
        await ear.until(lambda ear: len(ear.definitions) == 2)


async def test_what_its_command_complains_of_is_heard_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_SECRET", "s3cret-of-ours")
    program = "import os, sys; sys.exit('my token is ' + os.environ['TOKEN'] + str('TELLER_SECRET' in os.environ))"
    server = Server((sys.executable, "-c", program), env={"TOKEN": "env:TELLER_SECRET"}, within=5)
    async with linked(server) as (_, ear):
        await ear.until(lambda ear: ear.lines)
        assert ear.lines[0] == "my token is …False"


async def test_nothing_that_a_command_started_outlives_the_kill_of_whoever_started_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    core = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _STARTS, _NESTED, str(pid)),
        stdout=PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    async with asyncio.timeout(40):
        while not (pid.exists() and pid.read_text()):
            await asyncio.sleep(0.02)
        core.send_signal(signal.SIGKILL)
        await core.wait()
        while _lives(int(pid.read_text())):
            await asyncio.sleep(0.02)


_NESTED = """
import subprocess, sys

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid))
child.wait()
"""

_STARTS = """
import asyncio, sys
from mads.upstream.link import Link
from mads.upstream.server import Server
from tests.upstream.servers import Ear

async def main():
    Link().begin("x", Server((sys.executable, "-c", *sys.argv[1:]), within=60), Ear())
    await asyncio.Event().wait()

asyncio.run(main())
"""


def _lives(pid: int) -> bool:
    """Return whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
