"""Each MAD that comes with mads off in turn, and one's own: the rest does what docs/switches.md says, at once.

Covers the table there, row by row, for MADs that the operator stopped and for such as ended. Does not cover breakers,
nor chains of fallbacks: tests/behaviour/test_degradation.py does.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mads import CallError, NoResponder, Stopped
from mads.host.config import MadConfig
from mads.host.fallbacks import FallbackConfig
from mads.testing.placed import Placed
from mads.wire.status import Status
from tests.behaviour.conftest import ROOT, Troupe
from tests.egress.outside import Outside, outside, saying

COVERS = ("R-113", "R-114", "R-115")
pytestmark = pytest.mark.slow

SAID = b"""{"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [{"index": 0,
"finish_reason": "stop", "message": {"role": "assistant", "content": "It is."}}],
"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}"""
"""What the provider answers, and the page says."""

AWAY: dict[str, Any] = {"citations": [], "hits": [], "complete": False, "note": "the librarian is away"}
TOOLS = ("named", "page", "found", "thought")
ANSWERS = {"named": "bank/token", "page": SAID.decode(), "found": "tides.md:1", "thought": "It is."}


def table() -> dict[str, dict[str, str]]:
    """Return what docs/switches.md says of each tool of the desk, by who is off."""
    text = Path(ROOT, "docs/switches.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text.partition("## Without each of them")[2], re.MULTILINE)
    return {mad: dict(zip(TOOLS, (cell.strip() for cell in cells.split("|")), strict=True)) for mad, cells in rows}


def desk(it: Outside, folder: Path) -> dict[str, Any]:
    """Return a system with all of them."""
    provider = {"url": it.url("/v1"), "models": {"m": {"id": "m", "price": {"input": 1.0, "output": 1.0}}}}
    (folder / "files").mkdir()
    (folder / "files" / "tides.md").write_text("# The tide\n\nIt comes and goes.\n", encoding="utf-8")
    marco = {"folder": str(folder / "marco"), "pause": 0.0, "robots": False}
    fiedler = {"providers": {"here": provider}, "policy": [{"models": ["m"]}]}
    return {
        "fallbacks": (FallbackConfig(tool="mads.dewey.search", value=AWAY),),
        "core": {"turing": "mads.duos.turing:Turing"},
        "marco": MadConfig("mads.duos.marco:Marco", restart="temporary", may=(it.may,), set=marco),
        "fiedler": MadConfig("mads.duos.fiedler:Fiedler", restart="temporary", may=(it.may,), set=fiedler),
        "dewey": MadConfig("mads.duos.dewey:Dewey", restart="temporary", set={"folder": str(folder / "files")}),
        "desk": MadConfig("tests.behaviour.desk:Desk", restart="temporary"),
    }


@asynccontextmanager
async def stopped(it: Placed, mad: str) -> AsyncGenerator[None]:
    """Have the operator stop a MAD for a while."""
    await it.call("steward.stop", principal="operator", what=mad, why="it rains in")
    yield
    await it.call("steward.resume", principal="operator", what=mad)


@asynccontextmanager
async def ended(it: Placed, mad: str) -> AsyncGenerator[None]:
    """Have a MAD end that nobody starts again: killed where it has a process of its own, put to rest where not."""
    status = await fares(it, mad)
    if status.pid == os.getpid():
        await it.system.supervisor.places[mad].stop()
    else:
        os.kill(status.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while (await fares(it, mad)).state == "running":
                await asyncio.sleep(0.01)
    yield
    await it.call("steward.restart", principal="operator", mad=mad)


async def fares(it: Placed, mad: str) -> Status:
    return next(status for status in await it.system.status() if status.mad == mad)


async def answered(it: Placed, tool: str, url: str, refusal: type[Exception]) -> str:
    """Return in the words of the table how a tool of the desk answers, which it does at once."""
    try:
        async with asyncio.timeout(10):
            asked: dict[str, Any] = {"url": url} if tool == "page" else {}
            answer = await it.call(f"desk.{tool}", **asked)
    except CallError as error:
        assert refusal in (type(error), type(error.__cause__)), error
        return "refused"
    if answer == f"without the web: {refusal.__name__}":
        return "does without"
    return {ANSWERS[tool]: "answered", AWAY["note"]: "stands in"}[answer]


async def test_without_each_of_them_the_rest_does_what_the_table_says(troupe: Troupe, tmp_path: Path) -> None:
    assert list(table()) == ["turing", "marco", "dewey", "fiedler", "desk"]
    async with outside(saying(SAID, "content-type: application/json")) as web, troupe(**desk(web, tmp_path)) as it:
        await it.call("turing.set_secret", principal="operator", path="bank/token", value="xyzzy")
        await it.call("turing.grant_secret", principal="operator", mad="desk", pattern="bank/*")
        for off, refusal in ((stopped, Stopped), (ended, NoResponder)):
            for mad, expected in table().items():
                async with off(it, mad):
                    seen = {tool: await answered(it, tool, web.url(), refusal) for tool in TOOLS}
                    assert seen == expected, (mad, off.__name__)
        assert [await answered(it, tool, web.url(), Stopped) for tool in TOOLS] == ["answered"] * 4
