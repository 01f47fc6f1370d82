"""Clients hear of what changes: lists after a reload, and a resource when its MAD says so."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.server.streamable_http import GET_STREAM_KEY, StreamableHTTPServerTransport
from mcp_types import (
    EmptyResult,
    SubscribeRequest,
    SubscribeRequestParams,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from mads.host.config import MadConfig
from mads.testing.placed import Placed
from tests.gateway.desk import NOTHING, Desk, gateway, tool
from tests.gateway.system import connected, gated

COVERS = ("R-042",)

BOARD = '''
from mads import Emit, ResourceUpdated, mad, prompt, resource, tool

@mad
class Board:
    """You keep a board."""
    emit: Emit

    @resource("board://it")
    async def it(self) -> str:
        """Return it."""
        return "it"

    @tool
    async def chalk(self, at: str) -> None:
        """Say that something has changed."""
        await self.emit(ResourceUpdated(at))
'''
MORE = '''
    @tool
    async def wipe(self) -> None:
        """Wipe it."""

    @prompt
    async def write(self) -> str:
        """Write on it."""
        return "Write."

    @resource("board://{row}")
    async def row(self, row: str) -> str:
        """Return a row."""
        return row
'''
LISTS = {"tools", "prompts", "resources"}


class Ears:
    """What one client hears, by the last words of the method."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._news = asyncio.Event()

    def hear(self, what: str) -> None:
        """Hear of a change."""
        self.heard.append(what)
        self._news.set()

    async def until(self, *whats: str) -> None:
        """Wait until all of these were heard."""
        async with asyncio.timeout(10):
            while not {*whats} <= {*self.heard}:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listening(address: Any, era: str, *uris: str) -> AsyncGenerator[tuple[Client, Ears]]:
    """Connect a client that hears of every change, and of those at `uris`."""
    ears = Ears()

    async def notified(message: Any) -> None:
        method = getattr(message, "method", "")
        if era == "legacy" and method.endswith(("changed", "updated")):
            ears.hear(getattr(message.params, "uri", None) or method.split("/")[1])

    async def listen(client: Client, ready: asyncio.Event) -> None:
        options = {f"{name}_list_changed": True for name in LISTS}
        async with client.listen(**options, resource_subscriptions=list(uris)) as events:
            ready.set()
            async for event in events:
                name = type(event).__name__
                ears.hear(getattr(event, "uri", name.removesuffix("ListChanged").lower()))

    async with AsyncExitStack() as stack:
        gc.freeze()  # what is there already is not gone through for the stream again and again
        stack.callback(gc.unfreeze)
        client = await stack.enter_async_context(connected(address, era, message_handler=notified))
        if era == "legacy":
            for uri in uris:
                await client.session.send_request(_subscribe(uri), EmptyResult)
            await _until_streaming()
            yield client, ears
        else:
            ready = asyncio.Event()
            task = asyncio.create_task(listen(client, ready))
            await ready.wait()
            yield client, ears
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _until_streaming() -> None:
    """Wait until the client of the older era has opened the stream on which it is told of changes."""
    async with asyncio.timeout(10):
        while not any(
            isinstance(thing, StreamableHTTPServerTransport) and GET_STREAM_KEY in vars(thing)["_request_streams"]
            for thing in gc.get_objects()
        ):
            await asyncio.sleep(0.02)


def _subscribe(uri: str) -> Any:
    return SubscribeRequest(params=SubscribeRequestParams(uri=uri))


@pytest.fixture
def board(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """Write the module of a board."""
    name = f"board_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(BOARD)
    yield name
    sys.modules.pop(name, None)
    sys.path[:] = [path for path in sys.path if path != str(tmp_path)]


async def chalked(it: Placed, at: str) -> None:
    await it.call("board.chalk", at=at)


@pytest.mark.parametrize("run", ["here", pytest.param("process", marks=pytest.mark.slow)])
async def test_a_reload_that_changes_what_is_offered_is_heard_of(
    era: str, run: str, tmp_path: Path, board: str
) -> None:
    async with (
        gated(tmp_path, run, path=(".",), board=MadConfig(f"{board}:Board")) as (it, running),
        listening(running, era) as (client, ears),
    ):
        assert [offer.name for offer in (await client.list_prompts()).prompts] == []
        (tmp_path / f"{board}.py").write_text(BOARD + MORE)
        await it.call("steward.reload", principal="operator", mad="board")
        await ears.until(*LISTS)
        assert [offer.name for offer in (await client.list_prompts()).prompts] == ["board_write"]
        (tmp_path / f"{board}.py").write_text(BOARD + MORE.replace("Wipe it", "Wipe it all"))
        ears.heard.clear()
        await it.call("steward.reload", principal="operator", mad="board")
        await ears.until("tools")
        assert ears.heard == ["tools"]


@pytest.mark.parametrize("run", ["here", pytest.param("process", marks=pytest.mark.slow)])
async def test_who_subscribed_hears_what_a_mad_says_of_its_resource(
    era: str, run: str, tmp_path: Path, board: str
) -> None:
    async with (
        gated(tmp_path, run, path=(".",), board=MadConfig(f"{board}:Board")) as (it, running),
        listening(running, era, "board://it") as (client, ears),
    ):
        await chalked(it, "board://other")
        await chalked(it, "board://it")
        await ears.until("board://it")
        assert ears.heard == ["board://it"]
        if era == "legacy":
            unsubscribe = UnsubscribeRequest(params=UnsubscribeRequestParams(uri="board://it"))
            await client.session.send_request(unsubscribe, EmptyResult)
            await client.session.send_request(_subscribe("board://it"), EmptyResult)
            with pytest.raises(MCPError, match="there is no resource at"):
                await client.session.send_request(_subscribe("board://none"), EmptyResult)


async def test_a_server_of_its_own_tells_of_its_own_lists_only(era: str) -> None:
    desk = Desk()
    async with gateway(desk) as running, listening(running, era) as (_, ears):
        desk.offers = [*desk.offers, tool("desk", "more", NOTHING)]
        desk.changed("")
        await ears.until("tools")
        desk.changed("")
        desk.offers = [*desk.offers, tool("desk", "ask", NOTHING, kind="prompt")]
        desk.changed("")
        await ears.until("prompts")
        assert ears.heard == ["tools", "prompts"]
