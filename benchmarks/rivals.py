"""Other people's MCP servers and gateways, each in an environment of its own under `.peers`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".peers"
OLDER, MODERN = "2025-11-25", "2026-07-28"
TOOL = "echo_say"

FASTMCP = """
from fastmcp import FastMCP
server = FastMCP("echo")
@server.tool
def echo_say(number: int) -> int:
    return number
server.run("http", host="127.0.0.1", port={port}, json_response=True, log_level="error", show_banner=False)
"""
SECRETS = {name: f"{name.lower()}-which-is-long-enough-for-it" for name in ("JWT_SECRET_KEY", "AUTH_ENCRYPTION_SECRET")}
CONTEXTFORGE = SECRETS | {
    "AUTH_REQUIRED": "true",
    "CACHE_TYPE": "memory",
    "LOG_LEVEL": "ERROR",
    "MCPGATEWAY_UI_ENABLED": "false",
    "MCPGATEWAY_ADMIN_API_ENABLED": "true",
    "PLATFORM_ADMIN_EMAIL": "admin@example.com",
    "PLATFORM_ADMIN_PASSWORD": "Changeme-1234567!",
    "RATE_LIMITING_ENABLED": "false",
    "SSRF_ALLOW_LOCALHOST": "true",
    "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
}
"""As it comes, but for what it takes to run on loopback, and its 100 calls a minute."""


@dataclass(frozen=True)
class Rival:
    """A server that runs as process `pid`: where it has the tool that is called, and who is let in."""

    pid: int
    port: int
    path: str = "/mcp"
    tool: str = TOOL
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    eras: tuple[str, ...] = (OLDER, MODERN)

    def cpu(self) -> int:
        """Return the CPU time that the process has taken, all its threads together, in nanoseconds."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks)


@contextlib.asynccontextmanager
async def fastmcp() -> AsyncGenerator[Rival | None]:
    """Run FastMCP with the same tool."""
    python, port = await asyncio.to_thread(installed, "fastmcp", "fastmcp==4.1.2"), _free()
    if python is None:
        yield None
        return
    async with _running(str(python), "-c", FASTMCP.format(port=port)) as process:
        await _until_up(f"http://127.0.0.1:{port}/mcp")
        yield Rival(process.pid, port)


@contextlib.asynccontextmanager
async def contextforge(upstream: int, *, tuned: bool) -> AsyncGenerator[Rival | None]:
    """Run ContextForge before the server at the port `upstream`; `tuned` keeps its sessions, which costs it least."""
    package = "mcp-contextforge-gateway==1.0.7.post20260921"
    python, port = await asyncio.to_thread(installed, "contextforge", package), _free()
    if python is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        more = {"HOME": folder, "DATABASE_URL": f"sqlite:///{folder}/mcp.db", "USE_STATEFUL_SESSIONS": str(tuned)}
        env = {"PATH": os.environ["PATH"], **CONTEXTFORGE, **more}
        command = (str(python.with_name("mcpgateway")), "--host", "127.0.0.1", "--port", str(port))
        async with _running(*command, env=env, cwd=folder) as process:
            await _until_up(f"http://127.0.0.1:{port}/health")
            headers = {"authorization": f"Bearer {await asyncio.to_thread(_token, python, env)}"}
            path, tool = await _registered(f"http://127.0.0.1:{port}", headers, upstream)
            yield Rival(process.pid, port, path, tool, headers, (OLDER,))


async def _registered(address: str, headers: dict[str, str], upstream: int) -> tuple[str, str]:
    """Tell ContextForge of the upstream; return the path of a server with its tool, and that one's name."""
    async with httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=60) as http:
        peer = {"name": "up", "url": f"http://127.0.0.1:{upstream}/mcp", "transport": "STREAMABLEHTTP"}
        (await http.post("/gateways", json=peer)).raise_for_status()
        (tool,) = (await http.get("/tools")).json()
        server = {"server": {"name": "bench", "description": "bench", "associated_tools": [tool["id"]]}}
        made = (await http.post("/servers", json=server)).raise_for_status().json()
    return f"/servers/{made['id']}/mcp", tool["name"]


def _token(python: Path, env: dict[str, str]) -> str:
    words = ("--username", "admin@example.com", "--exp", "600", "--secret", env["JWT_SECRET_KEY"], "--admin")
    made = subprocess.run(
        [python, "-m", "mcpgateway.utils.create_jwt_token", *words], env=env, capture_output=True, text=True, check=True
    )
    return made.stdout.split()[-1]


def installed(name: str, package: str) -> Path | None:
    """Return the Python of the environment in which `package` is, made where it is not there; None where it cannot."""
    folder = PEERS / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        print(f"Installing {package} into {folder.relative_to(ROOT)}, once", flush=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
        except subprocess.CalledProcessError as error:
            print(f"{package} could not be installed, so it is not measured: {error}", flush=True)
            return None
        ready.touch()
    return python


@contextlib.asynccontextmanager
async def _running(*command: str, **more: Any) -> AsyncGenerator[asyncio.subprocess.Process]:
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=nowhere, stderr=nowhere, **more)
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _until_up(address: str) -> None:
    async with asyncio.timeout(180), httpx2.AsyncClient(trust_env=False) as http:
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                await http.get(address)
                return
            await asyncio.sleep(0.2)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
