"""Servers for tests: commands with a mood, and a hearer that remembers what it was told."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mads.author.foreign import Keep
from mads.upstream.peer import Peer
from mads.upstream.server import Server
from mads.wire.errors import Denied
from mads.wire.tools import Definition

ROOT = Path(__file__).parents[2]
MODULE = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('tests.upstream.teller', run_name='__main__', alter_sys=True)"
)


class Mood:
    """How a server behaves, in a file of its own."""

    def __init__(self, folder: Path, **tools: str) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "mood.json"
        self.said: dict[str, Any] = {"tools": tools or {"echo": "Say it again."}}
        self.be()

    def be(self, **how: Any) -> None:
        """Behave like that from now on."""
        self.said |= how
        self.path.write_text(json.dumps(self.said))

    @property
    def command(self) -> tuple[str, ...]:
        """What starts the server."""
        return (sys.executable, "-c", MODULE, str(ROOT), str(self.path))

    def server(self, within: float = 20.0) -> Server:
        """Return the server as a configuration names it."""
        return Server(self.command, within=within)


class Ear:
    """Remembers what a link told it."""

    def __init__(self) -> None:
        self.definitions: list[Definition] = []
        self.missing, self.why = "", ""
        self.lines: list[str] = []
        self.changes: list[str] = []
        self._news = asyncio.Event()

    async def found(self, definitions: list[Definition], missing: str) -> None:
        """Remember what there is."""
        self.definitions, self.missing, self.why = definitions, missing, ""
        self._news.set()

    def trouble(self, why: str) -> None:
        """Remember what is wrong."""
        self.why = why
        self._news.set()

    async def changed(self, uri: str) -> None:
        """Remember what has changed."""
        self.changes.append(uri)
        self._news.set()

    def signed(self, principal: str) -> Keep:
        """Never be asked: nobody signs in."""
        raise NotImplementedError(principal)

    async def secret(self, path: str) -> str:
        """Never be asked: there is no vault."""
        raise NotImplementedError(path)

    def said(self, line: str) -> None:
        """Remember a line."""
        self.lines.append(line)

    async def until(self, holds: Callable[[Ear], object]) -> None:
        """Wait until `holds`."""
        async with asyncio.timeout(40):
            while not holds(self):
                self._news.clear()
                await self._news.wait()


async def _nobody(method: str, _: dict[str, Any], __: str) -> dict[str, Any]:
    raise Denied(f"nobody answers {method}")


def _unheard(*_: object) -> None:
    """Let it go."""


NOBODY = Peer(_nobody, tell=_unheard, log=_unheard)
"""Answers nothing that a server asks, and hears nothing."""
