"""A door onto a few plain functions, and clients to knock on it: the official one, and one that sends anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import httpx2
from mcp import Client

from mads.gateway.door import Door
from mads.gateway.server import Running, serve
from mads.wire.call import Progress, Sink
from mads.wire.errors import Denied, Failed, InvalidMessage, Overloaded, Unreachable
from mads.wire.tools import ToolInfo

_jsonschema: Any = import_module("jsonschema")

MODERN = "2026-07-28"
OLDER = "2025-11-25"
TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
NUMBER = {
    "$ref": "#/$defs/steps",
    "$defs": {"steps": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}},
}
NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
WORDS = {"$ref": "#/$defs/Words", "$defs": {"Words": {"type": "object", "properties": {"words": {"type": "array"}}}}}


def tool(mad: str, name: str, takes: dict[str, Any], **marks: Any) -> ToolInfo:
    """Return a tool of that name."""
    return ToolInfo(
        name=f"mads.{mad}.{name}", mad=mad, tool=name, description=f"{name} things", input_schema=takes, **marks
    )


class Desk:
    """A door whose tools do next to nothing, and which remembers what it was asked."""

    def __init__(self) -> None:
        self.offers: Sequence[ToolInfo] = (
            tool("desk", "wait", NOTHING),
            tool("desk", "echo", TEXT, output_schema={"type": "string"}, read_only=True, idempotent=True),
            tool("desk", "split", TEXT, output_schema=WORDS),
            tool("desk", "climb", NUMBER, output_schema={"type": "null"}),
            tool("desk", "count", NUMBER, output_schema={"type": "integer"}, streams=True),
            tool("desk", "forget", NOTHING, destructive=True),
            tool("desk", "crowd", NOTHING),
            tool("desk", "shout", TEXT),
            tool("desk", "swell", NUMBER, output_schema={"type": "string"}),
            tool("desk", "grumble", NUMBER),
            tool("attic", "echo", TEXT),
        )
        self.gone = False
        self.changed: Callable[[str], None] = lambda _: None
        self.asked: list[dict[str, Any]] = []
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def tools(self) -> Sequence[ToolInfo]:
        """Return what stands on the desk."""
        if self.gone:
            raise Unreachable("the system has ended; start it again with: mads up")
        return self.offers

    @asynccontextmanager
    async def watched(self, hear: Callable[[str], None]) -> AsyncGenerator[None]:
        """Have `hear` hear what changes on the desk."""
        self.changed = hear
        yield

    def missing(self) -> Mapping[str, str]:
        """Return nothing: all of it is there."""
        return {}

    async def call(self, tool: str, arguments: dict[str, Any], *, sink: Sink, **context: Any) -> Any:
        """Do what the tool's name says, with arguments that fit."""
        (offer,) = (each for each in self.offers if each.name == tool)
        if not _jsonschema.Draft202012Validator(offer.input_schema).is_valid(arguments):
            raise InvalidMessage("the arguments do not fit")
        self.asked.append({"tool": tool, **context})
        return await getattr(self, f"_{tool.rpartition('.')[2]}")(sink, **arguments)

    async def _echo(self, _: Sink, text: str) -> str:
        return text

    async def _it(self, _: Sink) -> str:
        return "it"

    async def _shout(self, _: Sink, text: str) -> str:
        print(text.upper(), flush=True)  # noqa: T201
        return text.upper()

    async def _split(self, _: Sink, text: str) -> dict[str, Any]:
        return {"words": text.split()}

    async def _climb(self, sink: Sink, number: int) -> None:
        for step in range(1, number + 1):
            sink.progress(Progress(step, number, f"step {step}"))
            await asyncio.sleep(0)

    async def _count(self, sink: Sink, number: int) -> None:
        for item in range(number):
            await sink.item(item)

    async def _swell(self, _: Sink, number: int) -> str:
        return "x" * number

    async def _grumble(self, _: Sink, number: int) -> None:
        raise Failed("x" * number) from ValueError("y" * number)

    async def _wait(self, _: Sink) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _forget(self, _: Sink) -> None:
        raise Denied("desk.forget is destructive and the caller is anonymous", where="desk")

    async def _crowd(self, _: Sink) -> None:
        raise Overloaded("the inbox of desk is full", where="desk", retry_after=2) from TimeoutError("a queue")


@asynccontextmanager
async def gateway(desk: Door) -> AsyncGenerator[Running]:
    """Serve `desk` on a free port."""
    running = await serve(desk, port=0)
    try:
        yield running
    finally:
        await running.close()


@asynccontextmanager
async def client(desk: Desk, era: str) -> AsyncGenerator[Client]:
    """Serve `desk` to the SDK's own client, which speaks one era."""
    async with gateway(desk) as running, Client(running.address, mode=era, read_timeout_seconds=10) as connected:
        yield connected


def talking(running: Running) -> httpx2.AsyncClient:
    """Return a client that sends whatever it is told to."""
    return httpx2.AsyncClient(base_url=running.address.removesuffix("/mcp"), timeout=10, trust_env=False)


@asynccontextmanager
async def raw(desk: Door) -> AsyncGenerator[httpx2.AsyncClient]:
    """Serve `desk` to a client that sends whatever it is told to."""
    async with gateway(desk) as running, talking(running) as http:
        yield http


def request(name: str = "desk_echo", arguments: Any = None, **meta: Any) -> dict[str, Any]:
    """Return the body of a tool call of the modern era."""
    envelope: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params: dict[str, Any] = {
        "name": name,
        "arguments": {"text": "hi"} if arguments is None else arguments,
        "_meta": envelope | meta,
    }
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def headers(name: str = "desk_echo", **more: str) -> dict[str, str]:
    """Return the headers that go with `request`."""
    return {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": name,
        **more,
    }


def host_of(running: Running) -> list[str]:
    """Return the host and port of a gateway."""
    return running.address.removeprefix("http://").removesuffix("/mcp").split(":")


async def opened(http: httpx2.AsyncClient, version: str, name: str = "desk_echo", **more: str) -> dict[str, str]:
    """Return headers for calls of that era, of which the older wants a session."""
    sent = headers(name, **{"mcp-protocol-version": version}, **more)
    if version == OLDER:
        client = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": client}
        sent["mcp-session-id"] = (await http.post("/mcp", json=opening, headers=sent)).headers["mcp-session-id"]
        await http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=sent)
    return sent
