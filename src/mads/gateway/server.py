"""`serve` opens the gateway on a port of this machine, in the loop that is running, and leaves signals to the host."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

import uvicorn

from mads.gateway import connect
from mads.gateway.calls import Calls
from mads.gateway.connection import CONNECTIONS, IDLE, Connection
from mads.gateway.door import Door
from mads.gateway.http import Figures, Front
from mads.gateway.protocol import Endpoint
from mads.gateway.signin import SignIn
from mads.gateway.surface import Shows, by_scopes
from mads.gateway.view import views
from mads.host.gateway import ServerConfig
from mads.wire.errors import ConfigError

HOST = "127.0.0.1"
"""Where the gateway listens, and nowhere else: what it is told is not encrypted."""

USUAL = 7337
"""The port of a gateway that was told none, if it is free."""

LEAVE_WITHIN = 1
"""The seconds that clients have to hang up once their answers have ended."""


async def serve(
    door: Door,
    *,
    port: int | None,
    figures: Figures | None = None,
    signin: SignIn | None = None,
    servers: Mapping[str, ServerConfig] | None = None,
    shows: Shows = by_scopes,
) -> Running:
    """Serve `door` at `port`, or at any free port where it is 0; return once clients can connect.

    Where it is None the port is `USUAL`, or any other where that is taken. What `figures` returns stands at `/metrics`.
    Clients get in by the ways of `signin`, or all as the anonymous developer. `servers` have addresses of their own.
    What `shows` says is listed for each.

    Raises `ConfigError` where the port cannot be had or clients could not use the names of the tools.
    """
    endpoints = {view.path: Endpoint(await Calls.of(door, view, shows)) for view in views(servers or {})}
    running = Running(endpoints, _listen(port), figures, signin or SignIn())
    await running.open()
    return running


class Running:
    """A gateway that serves clients at `address`, and at `others`, where a choice of all is shown."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], listening: socket.socket, figures: Figures | None, signin: SignIn
    ) -> None:
        self._port: int = listening.getsockname()[1]
        self.address, *self.others = (f"http://{HOST}:{self._port}{path}" for path in endpoints)
        self._endpoints, self._figures, self._signin = endpoints, figures, signin
        self._listening = listening
        self._opened = asyncio.Event()
        self._leave = asyncio.Event()
        self._serving = asyncio.create_task(self._serve(), name="gateway")

    async def open(self) -> None:
        """Return once clients can connect."""
        opened = asyncio.create_task(self._opened.wait())
        await asyncio.wait((opened, self._serving), return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            opened.cancel()
            await self._serving

    async def close(self) -> None:
        """Take nothing more, end every answer, hang up."""
        self._leave.set()
        await self._serving

    async def _serve(self) -> None:
        front = Front(self._endpoints, connect.page(self.address), self._figures, self._signin)
        http = _http_server(front)
        async with AsyncExitStack() as stack:
            for endpoint in self._endpoints.values():
                await stack.enter_async_context(endpoint.running())
            await stack.enter_async_context(self._signin.running(self._port, tuple(self._endpoints)))
            await http.startup(sockets=[self._listening])
            self._opened.set()
            await self._leave.wait()
            front.close()
        await http.shutdown(sockets=[self._listening])


def _listen(port: int | None) -> socket.socket:
    if port is None:
        with suppress(ConfigError):
            return _listen(USUAL)
        return _listen(0)
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigError(
            f"the gateway cannot listen on {HOST}:{port} ({error}); "
            "write another `port` under [gateway] in mads.toml, 0 takes any that is free"
        ) from error
    # Connections inherit it; asyncio sets it only on sockets that name their protocol, and an answer takes two writes.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _http_server(front: Front) -> uvicorn.Server:
    """Return a server to start and stop by hand: `uvicorn.Server.serve` would take the process's signals."""
    config = uvicorn.Config(
        front,
        loop="none",
        http=Connection,
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS + 1,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=LEAVE_WITHIN,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server
