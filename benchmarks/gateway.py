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
from benchmarks.rivals import MODERN, OLDER, TOOL, Rival

from mads.gateway.door import Door
from mads.host.loop import new_loop

ROOT = Path(__file__).parent.parent
CLIENTS, CALLS, ROUNDS = 4, 40, 25
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
    """Say the port, and return once nobody listens any more."""
    print(port, flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


class Served:
    """One server in a process of its own, and clients of one era, which send one call over and over."""

    def __init__(self, rival: Rival, era: str) -> None:
        self._rival, self.era = rival, era
        self._messages: list[bytes] = []

    async def open(self, clients: int = CLIENTS) -> None:
        """Write the call of each client; the older era wants a session for it."""
        rival, port = self._rival, self._rival.port
        headers = {**HEADERS, **rival.headers, "mcp-protocol-version": self.era}
        headers |= {"mcp-method": "tools/call", "mcp-name": rival.tool}
        if self.era == OLDER:
            client = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
            opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": client}
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as http:
                opened = await http.post(rival.path, json=opening, headers={**HEADERS, **rival.headers})
                if session := opened.headers.get("mcp-session-id"):
                    headers["mcp-session-id"] = session
                initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
                await http.post(rival.path, json=initialized, headers=headers)
        params = {**PARAMS, "name": rival.tool}
        for number in range(1, clients + 1):
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
            headers |= {"host": f"127.0.0.1:{port}", "content-length": str(len(body))}
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            message = f"POST {rival.path} HTTP/1.1\r\n{head}\r\n{body}".encode()
            self._messages.append(message)

    async def milliseconds(self, calls: int = CALLS) -> float:
        """Return the CPU time that the server spends on a call, the mean of `calls` from each client."""
        before = self._rival.cpu()
        await self.waits(calls)
        return (self._rival.cpu() - before) / (calls * len(self._messages)) / 1e6

    async def waits(self, calls: int = CALLS) -> list[float]:
        """Return the seconds that each of so many calls of each client took, all clients at once."""
        took: list[float] = []
        await asyncio.gather(*(self._client(message, calls, took) for message in self._messages))
        return took

    async def _client(self, message: bytes, calls: int, took: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._rival.port)
        for _ in range(calls):
            began = time.perf_counter()
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
            assert b'"structuredContent":{"result":7}' in body, body
            took.append(time.perf_counter() - began)
        writer.close()


async def number_of(process: asyncio.subprocess.Process) -> int:
    """Return the number that a server says."""
    assert process.stdout is not None
    return int(await process.stdout.readline())


@contextlib.asynccontextmanager
async def child(name: str) -> AsyncGenerator[Rival]:
    """Run one of the servers in a process of its own."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.gateway", name, stdin=pipe, stdout=pipe, cwd=ROOT
    )
    assert process.stdin is not None
    try:
        yield Rival(process.pid, await number_of(process))
    finally:
        process.stdin.close()
        await process.wait()


async def measure() -> dict[str, float]:
    """Return the milliseconds of each server in each era and their ratio."""
    served: dict[tuple[str, str], Served] = {}
    async with contextlib.AsyncExitStack() as stack:
        for name in SERVERS:
            rival = await stack.enter_async_context(child(name))
            for era in (OLDER, MODERN):
                one = served[name, era] = Served(rival, era)
                await one.open()
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
