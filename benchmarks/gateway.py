"""A tool call through the gateway of a running system, beside a bare server of the MCP SDK that only answers.

Each is a process of its own, on the same loop and HTTP parser, answering in JSON; they are called in turns. What counts
is the CPU time that a server's process spends on a call. The keys without an era are those of the worse one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
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
CLIENTS, CALLS, ROUNDS = 4, 40, 25
OLDER, MODERN = "2025-11-25", "2026-07-28"
TOOL = "echo_say"
PARAMS: dict[str, Any] = {
    "name": TOOL,
    "arguments": {"number": 7},
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    },
}
HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}

Told = Callable[[int], Awaitable[None]]


@contextlib.asynccontextmanager
async def door() -> AsyncGenerator[Door]:
    """Run the system that is measured: one MAD that returns what it is given, with every layer round it."""
    from mads.host.door import BusDoor  # noqa: PLC0415  not in the process of the bare server
    from mads.testing.placed import placed  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        here = str(ROOT / "benchmarks")
        async with placed(Path(folder), strict=False, path=(here,), echo="echo:Echo") as it:

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
    """One server in a process of its own, and clients of one era, which send one call over and over."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, era: str) -> None:
        self._process, self._port, self._era = process, port, era
        self._clients: list[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def open(self) -> None:
        """Connect the clients and write their call; the older era wants a session for it."""
        headers = {**HEADERS, "mcp-protocol-version": self._era, "mcp-method": "tools/call", "mcp-name": TOOL}
        if self._era == OLDER:
            client = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
            opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": client}
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", trust_env=False) as http:
                opened = await http.post("/mcp", json=opening, headers=HEADERS)
                headers["mcp-session-id"] = opened.headers["mcp-session-id"]
                await http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
        for number in range(1, CLIENTS + 1):
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": PARAMS})
            headers |= {"host": f"127.0.0.1:{self._port}", "content-length": str(len(body))}
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            message = f"POST /mcp HTTP/1.1\r\n{head}\r\n{body}".encode()
            self._clients.append((message, *await asyncio.open_connection("127.0.0.1", self._port)))

    def close(self) -> None:
        """Hang up."""
        for *_, writer in self._clients:
            writer.close()

    async def milliseconds(self) -> float:
        """Return the CPU time that the server spends on a call, the mean of `CALLS` from each client."""
        before = await self._cpu()
        await asyncio.gather(*(self._call(*client) for client in self._clients))
        return (await self._cpu() - before) / (CALLS * CLIENTS) / 1e6

    async def _call(self, message: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(CALLS):
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
            assert b'"structuredContent":{"result":7}' in body, body

    async def _cpu(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return await _number(self._process)


async def _number(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    return int(await process.stdout.readline())


@contextlib.asynccontextmanager
async def child(name: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, int]]:
    """Run one of the servers in a process of its own; give its port."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.gateway", name, stdin=pipe, stdout=pipe, cwd=ROOT
    )
    assert process.stdin is not None
    try:
        yield process, await _number(process)
    finally:
        process.stdin.close()
        await process.wait()


async def measure() -> dict[str, float]:
    """Return the milliseconds of each server in each era and their ratio."""
    served: dict[tuple[str, str], Served] = {}
    async with contextlib.AsyncExitStack() as stack:
        for name in SERVERS:
            process, port = await stack.enter_async_context(child(name))
            for era in (OLDER, MODERN):
                one = served[name, era] = Served(process, port, era)
                await one.open()
                stack.callback(one.close)
                await one.milliseconds()
        times: dict[tuple[str, str], list[float]] = {key: [] for key in served}
        for _ in range(ROUNDS):
            for key, one in served.items():
                times[key].append(await one.milliseconds())
    medians = {key: statistics.median(each) for key, each in times.items()}
    figures = {f"{name}_{era}_cpu_ms": round(median, 3) for (name, era), median in medians.items()}
    figures["gateway_cpu_ms"] = round(max(medians["gateway", era] for era in (OLDER, MODERN)), 3)
    pairs = [zip(times["gateway", era], times["bare", era], strict=True) for era in (OLDER, MODERN)]
    ratios = [statistics.median(ours / bare for ours, bare in pair) for pair in pairs]
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
