"""A tool call through the gateway of a running system, beside a bare server of the MCP SDK that only answers.

Each is a process of its own, on the same loop and HTTP parser, answering in JSON; they are called in turns. What counts
is the CPU time that a server's process spends on a call. The keys without an era are those of the worse one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2

from mads.gateway.door import Door
from mads.host.loop import new_loop

ROOT = Path(__file__).parent.parent
CLIENTS, CALLS, ROUNDS = 4, 50, 9
OLDER, MODERN = "2025-11-25", "2026-07-28"
TOOL = "echo_say"
ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT = {"accept": "application/json, text/event-stream"}

Told = Callable[[int], Awaitable[None]]


@contextlib.asynccontextmanager
async def door() -> AsyncGenerator[Door]:
    """Run the system that is measured: one MAD that returns what it is given, with every layer round it."""
    from mads.host.door import BusDoor  # noqa: PLC0415  not in the process of the bare server
    from mads.testing.placed import placed  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        here = str(ROOT / "benchmarks")
        async with placed(Path(folder), strict=False, path=(here,), echo="mads_measured:Echo") as it:

            async def tools() -> Any:
                return it.system.tools()

            yield BusDoor(it.bus, tools)


async def serve_ours(until_told: Told) -> None:
    """Serve the door through the gateway."""
    from mads.gateway.server import serve  # noqa: PLC0415

    async with door() as opened:
        running = await serve(opened, port=0)
        await until_told(int(running.address.rpartition(":")[2].removesuffix("/mcp")))
        await running.close()


async def serve_bare(until_told: Told) -> None:
    """Serve the same tool on the SDK alone."""
    import uvicorn  # noqa: PLC0415
    from mcp import types  # noqa: PLC0415
    from mcp.server.lowlevel import Server  # noqa: PLC0415

    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name=TOOL, input_schema=schema)])

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        number = (params.arguments or {})["number"]
        text = types.TextContent(type="text", text=str(number))
        return types.CallToolResult(content=[text], structured_content={"result": number})

    bare = Server("bare", on_list_tools=list_tools, on_call_tool=call_tool, get_tool_input_schema=lambda _: schema)
    app = bare.streamable_http_app(json_response=True)
    http = uvicorn.Server(
        uvicorn.Config(app, port=0, loop="none", http="httptools", ws="none", log_config=None, access_log=False)
    )
    serving = asyncio.create_task(http.serve())
    while not http.started:
        await asyncio.sleep(0.01)
    await until_told(http.servers[0].sockets[0].getsockname()[1])
    http.should_exit = True
    await serving


SERVERS = {"gateway": serve_ours, "bare": serve_bare}


async def until_told(port: int) -> None:
    """Say the port, then for each line that comes the CPU time of this process in nanoseconds; return at their end."""
    print(port, flush=True)
    ended = asyncio.Event()

    def tell() -> None:
        if sys.stdin.readline():
            print(time.process_time_ns(), flush=True)
        else:
            ended.set()

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), tell)
    await ended.wait()


class Served:
    """One server in a process of its own, and a client of one era."""

    def __init__(self, process: asyncio.subprocess.Process, http: httpx2.AsyncClient, era: str) -> None:
        self._process, self._http, self._era = process, http, era
        self._headers = {"mcp-protocol-version": era, **ACCEPT}
        self._ids = itertools.count(1)

    async def open(self) -> None:
        """Get ready to call: the older era wants a session."""
        if self._era == MODERN:
            self._headers |= {"mcp-method": "tools/call", "mcp-name": TOOL}
            return
        client = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        opened = await self._post("initialize", client, id=0)
        self._headers["mcp-session-id"] = opened.headers["mcp-session-id"]
        await self._post("notifications/initialized", {})

    async def milliseconds(self, calls: int) -> float:
        """Return the CPU time that the server spends on a call, the mean of `calls` from each of some clients."""
        before = await self._cpu()
        await asyncio.gather(*(self._calls(calls) for _ in range(CLIENTS)))
        return (await self._cpu() - before) / (calls * CLIENTS) / 1e6

    async def _calls(self, calls: int) -> None:
        meta = ENVELOPE if self._era == MODERN else {}
        for number in range(calls):
            params = {"name": TOOL, "arguments": {"number": number}, "_meta": meta}
            answer = (await self._post("tools/call", params, id=next(self._ids))).json()
            assert answer["result"]["structuredContent"] == {"result": number}, answer

    async def _post(self, method: str, params: dict[str, Any], **id_: Any) -> httpx2.Response:
        body = {"jsonrpc": "2.0", "method": method, "params": params, **id_}
        return await self._http.post("/mcp", json=body, headers=self._headers)

    async def _cpu(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return await _number(self._process)


async def _number(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    return int(await process.stdout.readline())


@contextlib.asynccontextmanager
async def child(name: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, httpx2.AsyncClient]]:
    """Run one of the servers in a process of its own."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.gateway", name, stdin=pipe, stdout=pipe, cwd=ROOT
    )
    assert process.stdin is not None
    try:
        address = f"http://127.0.0.1:{await _number(process)}"
        async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=30) as http:
            yield process, http
    finally:
        process.stdin.close()
        await process.wait()


async def measure() -> dict[str, float]:
    """Return the milliseconds of each server in each era and their ratio."""
    async with contextlib.AsyncExitStack() as stack:
        served: dict[tuple[str, str], Served] = {}
        for name in SERVERS:
            process, http = await stack.enter_async_context(child(name))
            for era in (OLDER, MODERN):
                served[name, era] = Served(process, http, era)
                await served[name, era].open()
                await served[name, era].milliseconds(CALLS)
        times: dict[tuple[str, str], list[float]] = {key: [] for key in served}
        for _ in range(ROUNDS):
            for key, one in served.items():
                times[key].append(await one.milliseconds(CALLS))
    medians = {key: statistics.median(each) for key, each in times.items()}
    figures = {f"{name}_{era}_cpu_ms": round(median, 3) for (name, era), median in medians.items()}
    figures["gateway_cpu_ms"] = round(max(medians["gateway", era] for era in (OLDER, MODERN)), 3)
    ratios = [medians["gateway", era] / medians["bare", era] for era in (OLDER, MODERN)]
    return figures | {"gateway_vs_bare_ratio": round(max(ratios), 2)}


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    if sys.argv[1:]:
        with asyncio.Runner(loop_factory=new_loop) as serving:
            serving.run(SERVERS[sys.argv[1]](until_told))
    else:
        from benchmarks.report import report

        report("gateway", run())
