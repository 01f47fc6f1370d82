"""What a tool call costs at the gateway with everything it checks, beside other gateways and servers in the same run.

Ours checks a key, roles, limits and arguments, and records and traces each call. Each server is a process of its own;
they are called in turns, and what counts is the CPU time of the process. The servers of others are installed into
`.peers/NAME` when they are first needed; one that cannot be is left out, and its figures are null.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from benchmarks.gateway import CALLS, ROOT, Served, Told, child, number_of, until_told
from benchmarks.rivals import MODERN, TOOL, Rival, contextforge, fastmcp

from mads.host.loop import new_loop

ROUNDS, CROWD, FEW = 9, 32, 5
NAMES = ("in_process", "upstream", "tools_1000", "bare", "fastmcp", "contextforge", "contextforge_tuned")


async def serve_ours(told: Told, *, upstream: str = "", many: bool = False) -> None:
    """Serve a system with a key, rights and limits; there may be a MAD of `many` tools in it.

    The tool that is called is that of the MCP server at `upstream`, if there is one.
    """
    from mads.gateway.server import serve  # noqa: PLC0415  not in the process of a rival
    from mads.gateway.signin import SignIn  # noqa: PLC0415
    from mads.guard.keys import KeyRing, new_secret, written  # noqa: PLC0415
    from mads.guard.rights.rule import Rule  # noqa: PLC0415
    from mads.host.config import standing_for  # noqa: PLC0415
    from mads.host.door import BusDoor  # noqa: PLC0415
    from mads.host.limits import LimitConfig  # noqa: PLC0415
    from mads.host.mcp import McpConfig  # noqa: PLC0415
    from mads.store.keys.port import Key, Terms  # noqa: PLC0415
    from mads.testing.placed import placed  # noqa: PLC0415

    rule = LimitConfig(
        tool="mads.echo.*", each=("principal", "tool"), rate="900000/s", at_once=64, quota="100000000/day", size="1 MB"
    )
    echo = standing_for(McpConfig(upstream)) if upstream else "echo:Echo"
    mads: dict[str, Any] = {"echo": echo} | ({"many": "many:Many"} if many else {})
    ring, (secret, digest) = KeyRing(), new_secret()
    terms = Terms(principal="ana", tenant="acme", roles=("caller",), scopes=("mads.>",), made=0, expires=None)
    ring.put(Key(id=1, digest=digest, terms=terms))
    with tempfile.TemporaryDirectory() as folder:
        path = (str(ROOT / "benchmarks"),)
        async with placed(Path(folder), strict=False, path=path, limits=(rule,), **mads) as it:
            it.system.policy.put((Rule("role:caller", "mads.>", when="arguments.number < 100"),), {}, 1)

            async def listed() -> Any:
                return it.system.tools()

            async with asyncio.timeout(20):
                while not any(tool.name.startswith("mads.echo.") for tool in it.system.tools()):
                    await asyncio.sleep(0.05)

            signin = SignIn(ring, anonymous=False)
            running = await serve(BusDoor(it.bus, listed), port=0, signin=signin)
            print(written(1, secret), flush=True)
            await told(int(running.address.rpartition(":")[2].removesuffix("/mcp")))
            await running.close()


@contextlib.asynccontextmanager
async def ours(*words: str, tool: str = TOOL) -> AsyncGenerator[Rival]:
    """Run our server in a process of its own, with so many tools or before that address."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.doors", *words, stdin=pipe, stdout=pipe, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        key = (await process.stdout.readline()).decode().strip()
        port, signed = await number_of(process), {"authorization": f"Bearer {key}"}

        yield Rival(process.pid, port, tool=tool, headers=signed)
    finally:
        process.stdin.close()
        await process.wait()


async def measure() -> dict[str, float | None]:
    """Return the milliseconds of each server, and the ratios that are promised."""
    times: dict[tuple[str, str], list[float]] = {}
    async with contextlib.AsyncExitStack() as stack:
        bare = await stack.enter_async_context(child("bare"))
        mine = await stack.enter_async_context(ours("few"))
        servers: list[tuple[str, AbstractAsyncContextManager[Rival | None]]] = [
            ("upstream", ours("upstream", f"http://127.0.0.1:{bare.port}/mcp", tool=f"echo_{TOOL}")),
            ("tools_1000", ours("many")),
            ("fastmcp", fastmcp()),
            ("contextforge", contextforge(bare.port, tuned=False)),
            ("contextforge_tuned", contextforge(bare.port, tuned=True)),
        ]
        rivals = {"in_process": mine, "bare": bare}
        for name, server in servers:
            rival = await stack.enter_async_context(server)
            if rival is not None:
                rivals[name] = rival
        served = [(name, each) for name, rival in rivals.items() for each in await _served(rival)]
        for _ in range(ROUNDS):
            for name, each in served:
                calls = FEW if name.startswith("contextforge") else CALLS
                times.setdefault((name, each.era), []).append(await each.milliseconds(calls))
        crowds = {f"{prefix}p99_to_p50_32_clients": await _crowd(it) for prefix, it in (("", mine), ("bare_", bare))}
    return _figures(times) | crowds


async def _served(rival: Rival) -> Sequence[Served]:
    """Return clients of `rival`, of each era that it speaks, which have called it."""
    clients = [Served(rival, era) for era in rival.eras]
    for each in clients:
        await each.open()
        await each.milliseconds(10)
    return clients


async def _crowd(rival: Rival) -> float:
    """Return how many times the median call the slowest in a hundred takes, with many clients at once."""
    ratios: list[float] = []
    crowd = Served(rival, MODERN)
    await crowd.open(CROWD)
    for _ in range(7):
        took = sorted(await crowd.waits(20))
        ratios.append(took[int(len(took) * 0.99)] / took[len(took) // 2])
    return round(statistics.median(ratios), 2)


def _figures(times: dict[tuple[str, str], list[float]]) -> dict[str, float | None]:
    """Return what each costs, in its dearer era, and the ratios; None for what could not be measured."""
    each: dict[str, float] = {}
    for (name, _), taken in times.items():
        each[name] = max(each.get(name, 0.0), statistics.median(taken))
    ours = each["in_process"]
    costs = {f"{name}_cpu_ms": round(each[name], 3) if name in each else None for name in NAMES}
    ratios = {f"{name}_ratio": round(each[name] / ours, 2) if name in each else None for name in NAMES[1:]}
    return costs | ratios


def run() -> dict[str, float | None]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    if sys.argv[1:]:
        with asyncio.Runner(loop_factory=new_loop) as serving:
            serving.run(serve_ours(until_told, upstream="".join(sys.argv[2:]), many=sys.argv[1] == "many"))
    else:
        from benchmarks.report import report

        report("gateway with key, rights, limits, record and trace, beside others", run())
