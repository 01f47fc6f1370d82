"""Models on this machine: each in a child process of its own, asked over its standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from mads.duos.fiedler.grammar import emulated, wished
from mads.duos.fiedler.openai import Chat, Gathered, body_of
from mads.duos.fiedler.port import Answered, Embedded, Trouble
from mads.duos.fiedler.shelf import path_of
from mads.wire.errors import ConfigError
from mads.wire.model import ModelRequest

LOADING = 60.0
"""Seconds that a model has to load."""

LINE = 16 * 1024 * 1024
GOING = 2.0
LONGEST = 300
GONE = "its process has ended"


class Local:
    """The models on the `shelf`; a model is loaded when it is first asked, and stays."""

    def __init__(self, shelf: Path) -> None:
        self._shelf = shelf
        self._children: dict[str, _Child] = {}
        self._loading = asyncio.Lock()

    async def complete(self, model: str, request: ModelRequest) -> Answered:
        """Return the answer of `model`."""
        items = [item async for item in self.stream(model, request)]
        assert isinstance(items[-1], Answered)
        return items[-1]

    async def stream(self, model: str, request: ModelRequest) -> AsyncGenerator[str | Answered]:
        """Yield the text as it comes, and last the whole; where tools are offered it comes at once."""
        child, asked = await self._child(model), emulated(request)
        body = body_of(model, asked) | {"stream": True, "stream_options": {"include_usage": True}}
        gathered = Gathered()
        async for said in child.ask("handle_chat_completions", body):
            chat = _chat(said)
            if chat.error:
                raise Trouble(
                    "refused", f"{child.answered}: {msgspec.json.encode(chat.error)[:LONGEST].decode(errors='replace')}"
                )
            text = gathered.take(chat)
            if text and not request.tools:
                yield text
        yield wished(msgspec.structs.replace(gathered.answered(), model=child.answered), request)

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Raise `Trouble`: what makes vectors is another kind of model."""
        del texts
        raise Trouble("refused", f"{model!r} writes text; Dewey makes vectors on this machine")

    def pids(self) -> list[int]:
        """Return the processes that hold a model."""
        return [child.pid for child in self._children.values() if not child.is_gone]

    async def close(self) -> None:
        """End every child."""
        await asyncio.gather(*(child.end() for child in self._children.values()))

    async def _child(self, model: str) -> _Child:
        async with self._loading:
            child = self._children.get(model)
            if child is None or child.is_gone:
                if find_spec("xllamacpp") is None:
                    raise Trouble(
                        "refused",
                        "a model on this machine needs more than mads itself; install it: pip install 'mads[local]'",
                    )
                try:
                    path, digest = await asyncio.to_thread(path_of, self._shelf, model)
                except ConfigError as error:
                    raise Trouble("refused", str(error)) from error
                child = self._children[model] = _Child(f"{model} sha256:{digest[:16]}")
                await child.start(path)
            return child


class _Child:
    """A process that holds one model; `answered` is what it goes by."""

    def __init__(self, answered: str) -> None:
        self.answered = answered
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._count = 0
        self._ready = asyncio.Event()

    @property
    def pid(self) -> int:
        """Its process; 0 before it has started."""
        return self._process.pid if self._process else 0

    @property
    def is_gone(self) -> bool:
        """Whether it has ended."""
        return self._reader is None or self._reader.done()

    async def start(self, path: Path) -> None:
        """Start it and wait until the model is loaded."""
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        command = [sys.executable, "-m", "mads.duos.fiedler.llama", str(path)]
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=null, limit=LINE)
        self._reader = asyncio.create_task(self._read(), name=f"model {path.stem}")
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait((self._reader, ready), timeout=LOADING, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not self._ready.is_set():
            await self.end()
            raise Trouble(
                "refused", f"{path.name} could not be loaded; is it a model that llama.cpp reads, and all of it?"
            )

    async def ask(self, what: str, body: dict[str, Any]) -> AsyncGenerator[Any]:
        """Yield what it says to a request; leaving off stops it at the next token."""
        self._count += 1
        id_, queue = self._count, asyncio.Queue[dict[str, Any]]()
        self._asked[id_] = queue
        end: str | None = None
        try:
            self._write({"id": id_, "what": what, "body": body})
            while end is None:
                line = await queue.get()
                end = line.get("end")
                if "said" in line:
                    yield line["said"]
            if end:
                raise Trouble("lost" if end == GONE else "broken", f"{self.answered}: {end}")
        finally:
            del self._asked[id_]
            if end is None:
                with suppress(Trouble):
                    self._write({"id": id_})

    async def end(self) -> None:
        """End it."""
        if self._process is None or self._reader is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(GOING):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await asyncio.gather(self._reader, return_exceptions=True)

    def _write(self, line: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        if self.is_gone:
            raise Trouble("lost", f"{self.answered}: {GONE}")
        self._process.stdin.write(msgspec.json.encode(line) + b"\n")

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                said: dict[str, Any] = msgspec.json.decode(line)
                if said.get("ready"):
                    self._ready.set()
                elif (queue := self._asked.get(said["id"])) is not None:
                    queue.put_nowait(said)
        finally:
            for queue in self._asked.values():
                queue.put_nowait({"end": GONE})


def _chat(said: Any) -> Chat:
    try:
        return msgspec.convert(said, Chat)
    except msgspec.ValidationError:
        raise Trouble("refused", f"the model's server says {str(said)[:300]}") from None
