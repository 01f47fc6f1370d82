"""Any MCP server as a MAD: what it offers stands in this MAD's namespace, and is called like what any other offers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextvars import copy_context
from typing import Any

from mads import Emit, Log, ResourceUpdated, Turn, every, mad, provides
from mads.author.foreign import Credentials, Keep, Offers
from mads.upstream.link import Link
from mads.upstream.peer import Peer, Said
from mads.upstream.server import Server
from mads.wire.errors import InvalidMessage
from mads.wire.tools import Definition

OWN = "io.modelcontextprotocol/serverInfo"
"""The key of a result's `_meta` by which a server says who it is: to us, not to our clients."""


@provides
async def link() -> AsyncGenerator[Link]:
    """Yield what keeps the server at hand, for as long as the MAD lives."""
    kept = Link()
    try:
        yield kept
    finally:
        await kept.close()


@mad
class Upstream:
    """You stand for an MCP server that somebody else wrote: you pass on what it offers, and answer for it."""

    server: Server
    offers: Offers
    credentials: Credentials
    link: Link
    turn: Turn
    log: Log
    emit: Emit

    @every(seconds=3600)
    async def begin(self) -> None:
        """Reach the server, without anybody waiting for it."""
        self.link.begin(self.offers.mad, self.server, self)

    async def answer(self, definition: Definition, arguments: Said) -> Said:
        """Pass one call on; return what the server answers, in the JSON of MCP."""
        turn = copy_context()  # what the server says meanwhile comes in a task of the connection's

        async def ask(method: str, params: Said, name: str) -> Said:
            return await asyncio.create_task(self.offers.ask(method, params, name), context=turn.copy())

        def tell(done: float, total: float | None, note: str) -> None:
            turn.run(self.turn.progress, done, total, note)

        def log(level: str, data: Any, logger: str) -> None:
            turn.run(self.offers.log, level, data, logger)

        peer = Peer(ask, tell, log, self.offers.can(), {"traceparent": self.turn.traceparent})
        async with self.link.lent(self.turn.principal, peer) as session:
            match definition.kind:
                case "tool":
                    came = await session.call(definition.name, arguments, peer)
                case "resource" | "template":
                    came = await session.read(arguments["uri"], peer)
                case "prompt":
                    came = await session.prompt(definition.name, arguments, peer)
                case "completion":
                    return await self._completed(session, definition, arguments)
        came.get("_meta", {}).pop(OWN, None)
        return came

    async def _completed(self, session: Any, definition: Definition, arguments: Said) -> Said:
        value = arguments.pop("value", "")
        if not isinstance(value, str):
            raise InvalidMessage("what is completed is text")
        argument = {"name": definition.said["argument"], "value": value}
        return await session.complete(definition.said["ref"], argument, arguments)  # type: ignore[no-any-return]

    async def found(self, definitions: list[Definition], missing: str) -> None:
        """Offer what the server offers now."""
        await self.offers.tell(definitions, missing)

    def trouble(self, why: str) -> None:
        """Say why the server cannot be used."""
        self.offers.fares(why)

    async def changed(self, uri: str) -> None:
        """Say that what stands at an address has changed."""
        await self.emit(ResourceUpdated(uri))

    def signed(self, principal: str) -> Keep:
        """Return where the sign-in of `principal` is kept."""
        return self.offers.signed(principal)

    async def secret(self, path: str) -> str:
        """Return a secret of the vault, to be shown to the server and to nobody else."""
        return await self.credentials(path, self.server.url)

    def said(self, line: str) -> None:
        """Keep what the command says on its stderr."""
        self.log.info("upstream said", line=line)
