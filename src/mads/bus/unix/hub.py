"""The process that holds the bus lets others in: children by a socket pair, the command line by a listening socket."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from time import monotonic

from mads.bus.port import Bus
from mads.bus.unix.door import Door
from mads.bus.unix.link import Link
from mads.bus.unix.peer import MayServe, Peer, Vouch

TICK = 0.01
"""How often `drain` looks whether anything is still under way, in seconds."""


class Hub:
    """Links other processes to `bus`. What `vouch` returns is who a call comes from, whatever the caller says.

    A pattern for which `may_serve` is not true is refused with `Denied`.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._peers: dict[Peer, asyncio.Task[None]] = {}
        self._doors: list[tuple[Door, asyncio.Server]] = []

    async def attach(self, sock: socket.socket, *, vouch: Vouch, may_serve: MayServe, bus: Bus | None = None) -> Link:
        """Return the link over `sock`, one end of a connected pair, which it takes over, to `bus` where that is given.

        A `vouch` may look up in the link's `handling` what the peer was handling when it made a call (its `cause`).
        """
        _, link = await asyncio.get_running_loop().create_unix_connection(
            lambda: self._enter(bus or self._bus, vouch, may_serve), sock=sock
        )
        return link

    async def listen(self, path: Path | str, *, vouch: Vouch, may_serve: MayServe) -> None:
        """Let in whoever connects to `path`: the user that runs this process, and nobody else.

        Raises `ConfigError` where another system listens there, the folder is open to others, or the path too long.
        """
        door = await asyncio.to_thread(Door, Path(path))
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: self._enter(self._bus, vouch, may_serve), sock=door.socket
        )
        self._doors.append((door, server))

    async def drain(self, timeout: float) -> None:
        """Let in nobody else, let what is under way end within `timeout` seconds, close."""
        while self._doors:
            door, server = self._doors.pop()
            server.close()
            await asyncio.to_thread(door.close)
        end = monotonic() + timeout
        while any(peer.link.busy for peer in self._peers) and monotonic() < end:
            await asyncio.sleep(TICK)
        await asyncio.gather(*(peer.link.close() for peer in self._peers))
        await asyncio.gather(*self._peers.values())

    async def close(self) -> None:
        """Close now; what has been answered still leaves."""
        await self.drain(TICK)

    def _enter(self, bus: Bus, vouch: Vouch, may_serve: MayServe) -> Link:
        peer = Peer(bus, vouch=vouch, may_serve=may_serve)
        life = self._peers[peer] = asyncio.get_running_loop().create_task(peer.live())
        life.add_done_callback(lambda _: self._peers.pop(peer))
        return peer.link
