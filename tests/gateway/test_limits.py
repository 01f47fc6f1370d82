"""Whoever asks for too much at the gateway is told so as the answer to its call, and nobody else notices.

Covers limits over HTTP in both eras, by key, and a quota over a crash. Does not cover what rules there are:
tests/guard/test_limits.py does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mads.gateway.answer import FAILURE
from mads.gateway.server import serve
from mads.gateway.signin import SignIn
from mads.guard.keys import KeyRing, new_secret, written
from mads.host.door import BusDoor
from mads.host.limits import LimitConfig
from mads.store.keys.port import Key, Terms
from mads.testing.placed import Placed, placed
from tests.cli.shell import Mads, up
from tests.gateway.desk import MODERN, OLDER, headers, opened, request, talking

COVERS = ("R-045", "R-046")

RULE = LimitConfig(tool="mads.sums.*", each=("principal", "tool"), rate="5/h")
HERE = Path(__file__).parent
ADD = {"numbers": [1, 2]}
ERAS = pytest.mark.parametrize("version", [MODERN, OLDER])

CRASHING = f"""
path = ["{HERE}"]
gateway = {{ port = 0 }}
mads = {{ sums = "sums:Sums" }}

[[limits]]
tool = "mads.sums.*"
each = "tenant"
quota = "40/month"
"""


@asynccontextmanager
async def clients(it: Placed, *names: str) -> AsyncGenerator[Sequence[httpx2.AsyncClient]]:
    """Serve a real system to clients with a key of that name each."""

    async def tools() -> Any:
        return it.system.tools()

    ring, talkers = KeyRing(), list[httpx2.AsyncClient]()
    running = await serve(BusDoor(it.bus, tools), port=0, signin=SignIn(ring, anonymous=False))
    for number, name in enumerate(names, 1):
        secret, digest = new_secret()
        terms = Terms(principal=name, tenant="acme", roles=("admin",), scopes=("mads.>",), made=0, expires=None)
        ring.put(Key(id=number, digest=digest, terms=terms))
        talker = talking(running)
        talker.headers["authorization"] = f"Bearer {written(number, secret)}"
        talkers.append(talker)
    try:
        yield talkers
    finally:
        for talker in talkers:
            await talker.aclose()
        await running.close()


async def add(client: httpx2.AsyncClient, sent: dict[str, str]) -> dict[str, Any]:
    """Add, and return the result."""
    response = await client.post("/mcp", json=request("sums_add", ADD), headers=sent)
    assert response.status_code == 200
    return dict(response.json()["result"])


@ERAS
async def test_the_sixth_call_is_an_error_with_rule_and_time_and_the_other_caller_goes_on(
    tmp_path: Path, version: str
) -> None:
    async with (
        placed(tmp_path, strict=False, path=(str(HERE),), limits=(RULE,), sums="sums:Sums") as it,
        clients(it, "ana", "bo") as (ana, bo),
    ):
        sent, others = await opened(ana, version, "sums_add"), await opened(bo, version, "sums_add")
        assert [(await add(ana, sent)).get("isError", False) for _ in range(5)] == [False] * 5
        refused = await add(ana, sent)
        assert not (await add(bo, others)).get("isError", False)
    assert refused["isError"]
    told = refused["_meta"][FAILURE]
    assert (told["code"], told["rule"]) == ("limited", "each principal and tool of tool mads.sums.*: rate 5/h")
    assert 700 < told["retry_after"] <= 720
    assert (
        f"try again in {told['retry_after']:g} s (limited, request {told['request']})" in refused["content"][0]["text"]
    )


async def used(mads: Mads) -> int:
    """Return what the operator is shown to be used of the quota."""
    ran = await asyncio.to_thread(mads, "limits", "--json")
    assert ran.returncode == 0, ran.stderr
    (limit,) = json.loads(ran.stdout)
    return sum(use["used"] for use in limit["uses"])


@pytest.mark.slow
async def test_after_a_crash_nothing_that_was_used_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(CRASHING, encoding="utf-8")
    mads, answered = Mads(tmp_path), 0
    for _ in range(2):
        with up(tmp_path) as (process, ready):
            async with httpx2.AsyncClient(base_url=ready["address"].removesuffix("/mcp"), trust_env=False) as client:
                for _ in range(15):
                    answered += not (await add(client, headers("sums_add"))).get("isError", False)
                assert await used(mads) >= answered
            os.kill(process.pid, signal.SIGKILL)
    assert answered == 30
    with up(tmp_path) as (_, ready):
        assert 30 <= await used(mads) <= 32
        async with httpx2.AsyncClient(base_url=ready["address"].removesuffix("/mcp"), trust_env=False) as client:
            answers = [(await add(client, headers("sums_add"))) for _ in range(11)]
    assert 8 <= [answer.get("isError", False) for answer in answers].count(False) <= 10
    assert answers[-1]["_meta"][FAILURE]["rule"] == "each tenant of tool mads.sums.*: quota 40/month"
