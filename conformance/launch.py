"""What the suite is turned on, started and ended: a system of mads, and the server that stands behind its gateway."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from conformance.suite import HERE

SYSTEM = HERE / "system"
MADS = Path(sys.executable).with_name("mads")


RELAY = """\
[mads]
fixture = {{ mcp = "{address}" }}

[gateway.servers.suite]
tools = ["mads.fixture.*"]
names = "plain"
"""
"""The system that passes on what a server offers."""

READY = 20.0
"""Seconds that a server has to be listed by the system that passes it on."""


@contextmanager
def relay(address: str, log: Path) -> Generator[str]:
    """Run a system that passes on the server at `address`; yield its own."""
    with tempfile.TemporaryDirectory(prefix="mads-relay-") as folder:
        (Path(folder) / "mads.toml").write_text(RELAY.format(address=address))
        with system(log, Path(folder)) as passed_on:
            _await_tools(Path(folder))
            yield passed_on


def _await_tools(folder: Path) -> None:
    """Wait until the system in `folder` has found what its server offers."""
    seen = None
    for _ in range(round(READY / 0.5)):
        seen = subprocess.run([str(MADS), "ps", "--json"], capture_output=True, cwd=folder, text=True, check=True)
        if all(mad["health"] == "green" for mad in json.loads(seen.stdout)):
            return
        time.sleep(0.5)
    raise RuntimeError(f"the server was not passed on: {seen and seen.stdout}")


@contextmanager
def everything(log: Path, *eras: str) -> Generator[str]:
    """Run an MCP server that knows nothing of mads, in both eras or the "older" one; yield its address."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as said:
        command = [sys.executable, "-m", "conformance.everything", *eras]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, cwd=HERE.parent, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate(timeout=10)


@contextmanager
def system(log: Path, folder: Path = SYSTEM) -> Generator[str]:
    """Run the system in `folder`, that of the fixture; yield the address of the server with plain names."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as said:
        command = [str(MADS), "up", "--port", "0", "--json"]
        core = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, cwd=folder, text=True)
    try:
        assert core.stdout is not None
        ready = core.stdout.readline()
        if '"servers"' not in ready:
            raise RuntimeError(f"the system in {folder} did not start: {ready}{log.read_text()}")
        yield json.loads(ready)["servers"][0]
    finally:
        core.terminate()
        core.communicate(timeout=10)
