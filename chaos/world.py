"""A system as its operator has it: a project in a folder, `mads up`, and a line to it that may break."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sysconfig
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from chaos.report import Broken

from mads.bus.unix import UnixBus, connect
from mads.host.door import BusDoor, tools_of
from mads.host.paths import socket_path
from mads.testing.placed import Heard
from mads.wire.call import Identity
from mads.wire.errors import CallError, Unreachable
from mads.wire.ids import call_ids

REPOSITORY = Path(__file__).parents[1]
MADS = Path(sysconfig.get_path("scripts")) / "mads"
PATIENCE = 30.0
"""Seconds that anything here may take before it counts as broken."""


class Line:
    """A line to the system in `root`, for one who calls its tools."""

    def __init__(self, root: Path) -> None:
        self._path = socket_path(root)
        self._bus: UnixBus | None = None
        self._new_id = call_ids()

    async def call(self, tool: str, *, within: float = 5.0, conversation: str | None = None, **arguments: Any) -> Any:
        """Call `tool` (`mad.tool`); return its result. Raises `CallError` and `Unreachable`."""
        try:
            if self._bus is None:
                self._bus = await connect(self._path)
                self._tools = await tools_of(self._bus)
            door = BusDoor(self._bus, self._listed)
            name, request = f"mads.{tool}", self._new_id()
            return await door.call(
                name,
                arguments,
                request=request,
                identity=Identity("operator"),
                sink=Heard(),
                patience=within,
                conversation=conversation,
            )
        except (CallError, Unreachable):
            await self.close()
            raise

    async def close(self) -> None:
        """Hang up."""
        if self._bus is not None:
            bus, self._bus = self._bus, None
            await bus.link.close()

    async def _listed(self) -> Sequence[Any]:
        return self._tools


class World:
    """A project of `mads` (lines of its table) in `root`, and its system."""

    def __init__(self, root: Path, *mads: str, command: Sequence[str | Path] = (MADS,)) -> None:
        self.root, self._command = root, command
        self.line = Line(root)
        self.process: Process | None = None
        root.mkdir(parents=True, exist_ok=True)
        lines = (f'path = ["{REPOSITORY}"]', "[gateway]", "port = 0", "[mads]", *mads)
        (root / "mads.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    async def __aenter__(self) -> Self:
        """Start the system; it is stopped where the block ends, however that comes."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    @property
    def store(self) -> Path:
        """The system's database."""
        return self.root / ".mads" / "store.sqlite"

    @property
    def pid(self) -> int:
        """The process id of the core."""
        assert self.process is not None
        return self.process.pid

    async def start(self) -> dict[str, Any]:
        """Start the system and return what it says when it is ready; raise `Broken` where it does not start."""
        with (self.root / "stderr.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*self._command, "up", "--json"),
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                stdout=PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            said = await self.process.stdout.readline()
        ready: dict[str, Any] = json.loads(said or b"{}")
        if "address" not in ready:
            await self.process.wait()
            raise Broken(f"the system did not start: {said.decode().strip() or self.complaint()}")
        return ready

    async def accept(self) -> None:
        """Go on with an audit that is not as it was written; raise `Broken` where there is nothing wrong with it."""
        words = (MADS, "audit", "accept")
        process = await asyncio.create_subprocess_exec(*words, cwd=self.root, stdout=PIPE, stderr=PIPE)
        said, _ = await process.communicate()
        if process.returncode or b"missing" not in said:
            raise Broken(f"the audit misses nothing: {said.decode()}")

    async def refusal(self) -> str:
        """Start the system, which must refuse; return what it says."""
        try:
            await self.start()
        except Broken as refused:
            return str(refused)
        raise Broken("the system started")

    def complaint(self) -> str:
        """Return the last lines that the system wrote to standard error."""
        return (self.root / "stderr.log").read_text(encoding="utf-8", errors="replace")[-600:]

    async def kill(self) -> int:
        """Kill the core by signal 9 and return its exit status."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        return await self.process.wait()

    async def stop(self) -> None:
        """End the system in order; stopping what has ended does nothing."""
        await self.line.close()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            async with asyncio.timeout(PATIENCE):
                await self.process.wait()

    async def seen(self, mad: str) -> dict[str, Any]:
        """Return how a MAD fares."""
        found: list[dict[str, Any]] = await self.line.call("steward.ps")
        return next(status for status in found if status["mad"] == mad)

    async def until(self, what: str, holds: Callable[[], Any], *, within: float = PATIENCE) -> float:
        """Wait until `holds()`, which may be awaitable, is true; return the seconds that took. Raises `Broken`."""
        began = time.monotonic()
        while True:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return time.monotonic() - began
            if time.monotonic() - began > within:
                raise Broken(f"waited {within:g} s for: {what}")
            await asyncio.sleep(0.05)

    async def until_back(self, mad: str, pid: int) -> None:
        """Wait until a MAD runs in another process than `pid`."""

        async def is_back() -> bool:
            try:
                seen = await self.seen(mad)
            except (CallError, Unreachable):
                return False
            return seen["state"] == "running" and seen["pid"] not in (0, pid)

        await self.until(f"{mad} is back", is_back)
